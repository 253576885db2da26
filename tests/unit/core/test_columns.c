/* SPDX-License-Identifier: Apache-2.0
 * test_columns.c - what the columns of the usual exports mean, in the languages people export them in, and where content decides. */
#include "t.h"

#include "base/json.h"
#include "core/columns.h"

static struct phone_data plans;
static struct table_row row[256];
static struct table_cell cell[TABLE_CELLS_MAX];
static struct table_batch rows;

/* Cuts a text; the first row is the header. */
static void cut(struct str s)
{
    static char text[1u << 16];
    struct table_rows r = {.row = row, .cell = cell, .rows_max = 256, .cells_max = TABLE_CELLS_MAX};
    assert_true(s.n + TABLE_PADDING < sizeof text);
    memset(text, 0, sizeof text);
    memcpy(text, s.p, s.n);
    struct table_split split = {.delimiter = table_sniff(text, s.n)};
    table_split(&split, text, s.n, true, true, &r);
    rows = (struct table_batch){row + 1, cell, r.rows > 0 ? r.rows - 1 : 0};
}

static void read_columns(struct arena *a, struct str s, struct columns *c)
{
    struct err e = {0};
    cut(s);
    assert_ok(columns_read(a, row, cell, c, &e), e);
}

/* "phone=Mobile,Phone name=Name": roles in the order of their columns. */
static void render(const struct columns *c, struct buf *b)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->column[i].role != COLUMN_NONE)
            buf_printf(b, "%s%s=%.*s", b->len ? " " : "", column_role_word(c->column[i].role), (int)c->column[i].name.n,
                       c->column[i].name.p);
}

static void expect(const char *header, const char *preset, const char *want)
{
    struct arena *a = arena_create(1u << 22);
    struct columns c;
    struct buf b;
    buf_init(&b, 8192);
    read_columns(a, str_of(header), &c);
    render(&c, &b);
    if (strcmp(buf_cstr(&b), want) != 0)
        fail_msg("%s\ngot  %s\nwant %s", header, buf_cstr(&b), want);
    if (strcmp(c.preset ? c.preset : "", preset) != 0)
        fail_msg("%s: preset %s", header, c.preset ? c.preset : "none");
    buf_done(&b);
    arena_free(a);
}

TEST(names_of_many_programs)
{
    static const struct {
        const char *header, *preset, *want;
    } exports[] = {
        {"phone,name,consent,consent_act,consent_at,consent_method,consent_wording,error", "",
         "phone=phone name=name consent=consent consent_act=consent_act consent_at=consent_at "
         "consent_method=consent_method consent_wording=consent_wording error=error"},
        {"Phone Number,First Name,Last Name,WhatsApp Phone Number,Mobile Phone Number,Fax Number,Country/Region,"
         "Preferred language,Time Zone,Contact owner,Record ID,Unsubscribed from all email",
         "HubSpot",
         "phone=Phone Number first_name=First Name last_name=Last Name phone=WhatsApp Phone Number "
         "phone=Mobile Phone Number country=Country/Region lang=Preferred language zone=Time Zone "
         "unsubscribed=Unsubscribed from all email"},
        {"Email,First Name,Last Name,Phone Number,SMS Phone Number,Email Marketing Consent,SMS Marketing Consent,"
         "Email Marketing Consent Timestamp,Country,Klaviyo ID",
         "Klaviyo",
         "email=Email first_name=First Name last_name=Last Name phone=Phone Number phone=SMS Phone Number "
         "email_consent=Email Marketing Consent sms_consent=SMS Marketing Consent country=Country"},
        {"Record Id,Lead Source,First Name,Last Name,Email,Phone,Mobile,Home Phone,Other Phone,Asst Phone,Fax,Email "
         "Opt Out,"
         "Mailing City,Mailing Country,Tag,Created Time,Contact Owner,Skype ID",
         "Zoho CRM",
         "first_name=First Name last_name=Last Name email=Email phone=Phone phone=Mobile phone=Home Phone "
         "phone=Other Phone unsubscribed=Email Opt Out country=Mailing Country tags=Tag created_at=Created Time"},
        {"Salutation,FirstName,LastName,MailingStreet,MailingCountry,Phone,Fax,MobilePhone,HomePhone,Email,AccountId,"
         "HasOptedOutOfEmail,DoNotCall,CreatedDate",
         "Salesforce",
         "first_name=FirstName last_name=LastName country=MailingCountry phone=Phone phone=MobilePhone phone=HomePhone "
         "email=Email unsubscribed=HasOptedOutOfEmail sms_unsubscribed=DoNotCall created_at=CreatedDate"},
        {"Person - Name,Person - Label,Person - Organization,Person - Email - Work,Person - Phone - Work,Person - "
         "Phone - Mobile,"
         "Person - Owner,Person - Marketing status",
         "Pipedrive",
         "name=Person - Name tags=Person - Label email=Person - Email - Work phone=Person - Phone - Work "
         "phone=Person - Phone - Mobile"},
        {"Name,Phone,CountryCode,AllowBroadcast,AllowSMS,Attribute 1", "Wati",
         "name=Name phone=Phone calling_code=CountryCode whatsapp_consent=AllowBroadcast sms_consent=AllowSMS"},
        {"Username,Email,First Name,Last Name,Billing Phone,Billing Email,Billing Country,Date registered",
         "WooCommerce",
         "email=Email first_name=First Name last_name=Last Name phone=Billing Phone country=Billing Country "
         "created_at=Date registered"},
        {"First Name,Last Name,Company,Business Phone,Home Phone,Mobile Phone,Business Fax,E-mail Address,E-mail 2 "
         "Address,"
         "Home Country/Region,Language",
         "Outlook",
         "first_name=First Name last_name=Last Name phone=Business Phone phone=Home Phone phone=Mobile Phone "
         "email=E-mail Address country=Home Country/Region lang=Language"},
        {"EMAIL;WHATSAPP;SMS;FIRSTNAME;LASTNAME;DOUBLE_OPT-IN;EMAIL_BLOCKLISTED;SMS_BLOCKLISTED;WHATSAPP_BLOCKLISTED",
         "Brevo",
         "email=EMAIL phone=WHATSAPP phone=SMS first_name=FIRSTNAME last_name=LASTNAME email_consent=DOUBLE_OPT-IN "
         "unsubscribed=EMAIL_BLOCKLISTED sms_unsubscribed=SMS_BLOCKLISTED unsubscribed=WHATSAPP_BLOCKLISTED"},
        {"First Name,WhatsApp Phone,Opted-in for WhatsApp,Opted Out,Opted in through,Phone type,Phone verified at", "",
         "first_name=First Name phone=WhatsApp Phone whatsapp_consent=Opted-in for WhatsApp unsubscribed=Opted Out"},
        {"phone_country_code,phone,country_code,isVerified,phoneHash", "",
         "calling_code=phone_country_code phone=phone country=country_code"},
        {"email,phone_number,sms_consent,sms_consent_timestamp,whatsapp_consent,do_not_contact", "",
         "email=email phone=phone_number sms_consent=sms_consent whatsapp_consent=whatsapp_consent "
         "unsubscribed=do_not_contact"},
    };
    for (size_t i = 0; i < sizeof exports / sizeof exports[0]; i++)
        expect(exports[i].header, exports[i].preset, exports[i].want);
}

TEST(names_in_many_languages)
{
    static const char *const same[] = {
        "Vorname;Nachname;E-Mail-Adresse;Handynummer;Land;Sprache;Zeitzone",
        "Prénom;Nom;Adresse e-mail;Téléphone portable;Pays;Langue;Fuseau horaire",
        "Nombre,Apellidos,Correo electrónico,Teléfono móvil,País,Idioma,Zona horaria",
        "Nome,Sobrenome,E-mail,Celular,País,Idioma,Fuso horário",
        "Nome,Cognome,E-mail,Cellulare,Paese,Lingua,Fuso orario",
        "Ad,Soyad,E-posta,Cep Telefonu,Ülke,Dil,Saat dilimi",
        "Adı,Soyadı,E-posta adresi,GSM,Ülke,Dil,Saat dilimi",
        "Nama depan,Nama belakang,Surel,Nomor HP,Negara,Bahasa,Zona waktu",
        "Voornaam;Achternaam;E-mailadres;Mobiel nummer;Land;Taal;Tijdzone",
        "Imię;Nazwisko;E-mail;Telefon komórkowy;Kraj;Język;Strefa czasowa",
        "ИМЯ;Фамилия;Почта;Мобильный телефон;Страна;Язык;Часовой пояс",
        "名,姓,邮箱,手机号,国家,语言,时区",
        "Tên,Họ,Email,Số di động,Quốc gia,Ngôn ngữ,tz",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        static const uint8_t want[] = {COLUMN_FIRST_NAME, COLUMN_LAST_NAME, COLUMN_EMAIL, COLUMN_PHONE,
                                       COLUMN_COUNTRY,    COLUMN_LANG,      COLUMN_ZONE};
        struct arena *a = arena_create(1u << 20);
        struct columns c;
        read_columns(a, str_of(same[i]), &c);
        assert_int_equal(c.n, sizeof want);
        for (size_t k = 0; k < c.n; k++)
            if (c.column[k].role != want[k] && !(k == 0 && c.column[k].role == COLUMN_NAME && i == 10))
                fail_msg("%s: %.*s is %s", same[i], (int)c.column[k].name.n, c.column[k].name.p,
                         column_role_word(c.column[k].role));
        arena_free(a);
    }
}

TEST(order_of_numbers)
{
    static const char *const in_order[] = {"WhatsApp", "Mobile", "Phone", "Work phone", "Default Address Phone"};
    struct arena *a = arena_create(1u << 20);
    struct columns c;
    read_columns(a, STR("Default Address Phone,Phone,Mobile,Work phone,WhatsApp,Fax\n,+491,,,\n"), &c);
    assert_int_equal(c.phones, 5);
    for (size_t i = 0; i < 5; i++)
        assert_str(c.column[c.phone[i]].name, in_order[i]);
    char room[64];
    int which;
    assert_str(columns_phone(&c, &rows.row[0], rows.cell, room, &which), "+491");
    assert_int_equal(which, 1);
    struct err e = {0};
    assert_ok(columns_order(&c, COLUMN_PHONE, STR("work PHONE"), &e), e);
    assert_int_equal(c.phones, 1);
    assert_int_equal(c.at[COLUMN_PHONE], 3);
    assert_ok(columns_order(&c, COLUMN_PHONE, STR("#6"), &e), e);
    assert_int_equal(c.phones, 2);
    assert_int_equal(c.phone[0], 3);
    assert_int_equal(columns_order(&c, COLUMN_NAME, STR("Nickname"), &e), WL_EINVAL);
    cut(STR("phone,consent,opt-in\n"));
    assert_int_equal(columns_read(a, row, cell, &c, &e), WL_EINVAL);
    assert_string_equal(e.text, "the columns \"consent\" and \"opt-in\" both mean consent");
    arena_free(a);
}

static void look(struct arena *a, const char *text, const char *region, struct columns *c)
{
    read_columns(a, str_of(text), c);
    columns_look(c, &plans, phone_region(&plans, str_of(region)), &rows);
}

TEST(same_names)
{
    struct arena *a = arena_create(1u << 20);
    struct columns c;
    struct err e = {0};
    read_columns(a, STR("phone,Note,phone,Note#2,Note,Note\n"), &c);
    assert_ok(columns_order(&c, COLUMN_PHONE, STR("phone#2"), &e), e);
    assert_int_equal(c.phone[0], 2);
    assert_int_equal(c.phones, 1);
    assert_ok(columns_order(&c, COLUMN_NAME, STR("Note#2"), &e), e); /* it is called that */
    assert_int_equal(c.at[COLUMN_NAME], 3);
    assert_ok(columns_order(&c, COLUMN_NAME, STR("Note#3"), &e), e);
    assert_int_equal(c.column[5].role, COLUMN_NAME);
    assert_int_equal(columns_order(&c, COLUMN_NAME, STR("Note#4"), &e), WL_EINVAL);
    assert_int_equal(columns_order(&c, COLUMN_NAME, STR("Note#"), &e), WL_EINVAL);
    columns_forget(&c);
    assert_int_equal(c.phones, 0);
    assert_int_equal(c.at[COLUMN_NAME], -1);
    arena_free(a);
}

TEST(content_decides)
{
    static const struct {
        const char *text, *region, *phone; /* "": none */
    } files[] = {
        {"a,b\nAnna,+4915112345678\nBob,+33612345678\n", "", "b"},
        {"Kontakt,Kunde\n0151 12345678,100200300\n0160/1234567,100200301\n", "DE", "Kontakt"},
        {"x,y\n+4915112345678,+33612345678\n", "", ""}, /* two of them: nobody guesses */
        {"company,revenue,employees\nAcme,100000,50\n", "", ""},
        {"id,order_number\n1,4915112345678\n2,4915112345679\n", "", ""}, /* a name that says what it is */
        {"name,sms\nA,yes\nB,no\n", "", ""},
        {"name,sms\nA,4915112345678\nB,\n", "", "sms"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct arena *a = arena_create(1u << 22);
        struct columns c;
        look(a, files[i].text, files[i].region, &c);
        struct str got = c.at[COLUMN_PHONE] >= 0 ? c.column[c.at[COLUMN_PHONE]].name : STR("");
        if (!str_eq(got, str_of(files[i].phone)))
            fail_msg("%s: \"%.*s\"", files[i].text, (int)got.n, got.p);
        arena_free(a);
    }
}

TEST(no_header)
{
    static const struct {
        const char *text;
        bool data;
    } first[] = {{"+4915112345678,Anna\n", true},
                 {"Anna,anna@example.com\n", true},
                 {"phone,name\n", false},
                 {"2024,100\n", false},
                 {"4915112345678\n", true},
                 {"Telefon 1\n", false},
                 {"+49 10\n", true},
                 {"01511200000\n", true},
                 {"anna;+49 (0)10\n", true},
                 {"Anna,2024-01-05\n", true},
                 {"Kunde,2024-01-05,Telefon\n", false},
                 {"Line 2\n", false}};
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        cut(str_of(first[i].text));
        if (columns_is_data(&plans, 0, row, cell) != first[i].data)
            fail_msg("%s", first[i].text);
    }
    struct arena *a = arena_create(1u << 20);
    struct columns c;
    struct err e = {0};
    cut(STR("Anna,+4915112345678\nBob,+33612345678\n"));
    rows = (struct table_batch){row, cell, 2};
    assert_ok(columns_headless(a, row->cells, &c, &e), e);
    columns_look(&c, &plans, 0, &rows);
    assert_int_equal(c.at[COLUMN_PHONE], 1);
    struct buf b;
    buf_init(&b, 1024);
    columns_say(&c, &b);
    assert_string_equal(buf_cstr(&b),
                        "numbers are read from column 2, because of what it holds: its name says nothing");
    buf_done(&b);
    arena_free(a);
}

TEST(countries)
{
    static const struct {
        const char *text, *region;
    } rows_[] = {{"DE", "DE"},
                 {"de", "DE"},
                 {"DEU", "DE"},
                 {"Germany", "DE"},
                 {"Deutschland", "DE"},
                 {"ALLEMAGNE", "DE"},
                 {"Alemania", "DE"},
                 {"Almanya", "DE"},
                 {"Jerman", "DE"},
                 {"+49", "DE"},
                 {"49", "DE"},
                 {"0049", "DE"},
                 {"UK", "GB"},
                 {"United Kingdom", "GB"},
                 {"USA", "US"},
                 {"United States of America", "US"},
                 {"1", "US"},
                 {"Österreich", "AT"},
                 {"Côte d’Ivoire", "CI"},
                 {"Türkiye", "TR"},
                 {"Brasil", "BR"},
                 {"Россия", "RU"},
                 {"日本", "JP"},
                 {"印度", "IN"},
                 {"Atlantis", ""},
                 {"", "ZZ"},
                 {"999", ""},
                 {"XQ", ""}};
    struct arena *a = arena_create(4u << 20);
    struct country_names *names = country_names_new(a, &plans);
    assert_non_null(names);
    for (size_t i = 0; i < sizeof rows_ / sizeof rows_[0]; i++) {
        int got = country_named(names, &plans, str_of(rows_[i].text));
        const char *id = got >= 0 ? phone_region_id(&plans, got) : "";
        if (strcmp(id, rows_[i].region) != 0)
            fail_msg("%s: %s", rows_[i].text, id);
    }
    assert_int_equal(country_named(NULL, &plans, STR("Germany")), -1);
    struct columns c;
    look(a, "phone,Land\n1,Frankreich\n2,\n3,Nirgends\n", "DE", &c);
    int want[] = {phone_region(&plans, STR("FR")), phone_region(&plans, STR("DE")), -1};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(columns_region(&c, &plans, &rows.row[i], rows.cell, want[1]), want[i]);
    arena_free(a);
}

TEST(ragged)
{
    static const struct {
        const char *text, *why; /* of the first row; "": it is right */
    } files[] = {
        {"name,phone,city\nAnna,+4915112345678\n", ""},
        {"name,phone\nAnna,+4915112345678,,\n", ""},
        {"name,phone\nAnna,+4915112345678,x\n",
         "the row has 3 cells, the header 2: a delimiter inside a cell must be quoted"},
        {"id,doc,phone,tags\n1,+4915112345678,x\n", "the row has 3 cells and the header 4; its number seems to stand "
                                                    "under \"doc\", 1 to the left of \"phone\": a cell "
                                                    "before it is missing"},
        {"name,phone\nMüller, Anna,+4915112345678\n",
         "the row has 3 cells and the header 2; its number seems to stand behind the last column, 1 to the right of "
         "\"phone\": a cell before it is too many"},
        {"id,phone,x,y\n1,,+4915112345678\n", "the row has 3 cells and the header 4; its number seems to stand under "
                                              "\"x\", 1 to the right of \"phone\": a cell "
                                              "before it is too many"},
        {"id,doc,phone,ip,tags\n1,+4915112345678,231.210.115.166,x\n",
         "the row has 4 cells and the header 5; its number seems to stand under \"doc\", 1 to the left of \"phone\": a "
         "cell "
         "before it is missing"},
        {"id,phone,x,y\n1,,abc\n", ""},
        {"id,phone,x,y\n1,2,3,4\n", ""},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct arena *a = arena_create(1u << 20);
        struct columns c;
        struct buf b;
        buf_init(&b, 1024);
        read_columns(a, str_of(files[i].text), &c);
        bool is = columns_ragged(&c, &plans, &rows.row[0], rows.cell, 0, &b);
        if (strcmp(buf_cstr(&b), files[i].why) != 0 || is != (files[i].why[0] != '\0'))
            fail_msg("%s\ngot  %s\nwant %s", files[i].text, buf_cstr(&b), files[i].why);
        buf_done(&b);
        arena_free(a);
    }
}

/* --- the shared cases ------------------------------------------------------------------------------------------------ */

static struct str file_text(const char *name)
{
    static char text[1u << 16];
    char path[128];
    snprintf(path, sizeof path, "crm/%s", name);
    const char *full = case_file(path);
    if (full == NULL)
        return (struct str){NULL, 0};
    FILE *f = fopen(full, "r");
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    return (struct str){text, n};
}

/* Where we mean something else than the source, whose product sends e-mail. */
static const struct {
    const char *column, *theirs, *ours;
} otherwise[] = {
    {"Country", "ignore", "country"},                  /* a number without country code belongs to it */
    {"SMS_BLACKLISTED", "ignore", "sms_unsubscribed"}, /* we write to the number it speaks of */
};

static const char *ours(struct str column, struct str theirs)
{
    static char word[64];
    for (size_t i = 0; i < sizeof otherwise / sizeof otherwise[0]; i++)
        if (str_eq(column, str_of(otherwise[i].column)) && str_eq(theirs, str_of(otherwise[i].theirs)))
            return otherwise[i].ours;
    snprintf(word, sizeof word, "%.*s", (int)theirs.n, theirs.p);
    return word;
}

static void check_case(struct json line)
{
    struct str name = json_str_or(json_get(line, "file"), STR(""));
    struct json mapping = json_get(json_get(line, "expect"), "mapping");
    char file[128];
    struct arena *a = arena_create(4u << 20);
    struct columns c;
    snprintf(file, sizeof file, "%.*s", (int)name.n, name.p);
    read_columns(a, file_text(file), &c);
    columns_look(&c, &plans, phone_region(&plans, STR("FR")), &rows);
    size_t seen = 0;
    for (struct json_iter it = json_iter(mapping); json_next(&it); seen++) {
        const char *want = ours(it.key, json_str_or(it.value, STR("")));
        size_t i = 0;
        while (i < c.n && !str_eq(c.column[i].name, it.key))
            i++;
        assert_true(i < c.n);
        if (strcmp(column_role_word(c.column[i].role), want) != 0)
            fail_msg("%s: %.*s is %s, not %s", file, (int)it.key.n, it.key.p, column_role_word(c.column[i].role), want);
    }
    arena_free(a);
}

TEST(shared_files)
{
    struct str index = file_text("index.jsonl");
    if (index.p == NULL)
        skip_loudly("the shared cases are not there");
    char *copy = malloc(index.n + 1);
    struct json_parser *parser = json_parser_create();
    int lines = 0;
    memcpy(copy, index.p, index.n);
    for (struct str rest = {copy, index.n}; rest.n > 0;) {
        struct str line = str_cut(rest, '\n', &rest);
        struct json root;
        struct err e = {0};
        if (line.n == 0)
            continue;
        assert_ok(json_parse(parser, line, false, &root, &e), e);
        check_case(root);
        lines++;
    }
    assert_true(lines >= 20);
    json_parser_free(parser);
    free(copy);
}

TEST(shared_headers)
{
    static const struct {
        const char *origin, *preset, *want;
    } lines[] = {
        {"Shopify customers export (template)", "Shopify",
         "first_name=First Name last_name=Last Name email=Email email_consent=Accepts Email Marketing country=Country "
         "Code "
         "phone=Phone sms_consent=Accepts SMS Marketing tags=Tags"},
        {"Shopify customers export (default address form)", "Shopify",
         "first_name=First Name last_name=Last Name email=Email email_consent=Accepts Email Marketing "
         "country=Default Address Country Code phone=Default Address Phone phone=Phone "
         "sms_consent=Accepts SMS Marketing tags=Tags"},
        {"Google Contacts before 2024", "Google Contacts",
         "name=Name first_name=Given Name last_name=Family Name lang=Language tags=Group Membership email=E-mail 1 - "
         "Value "
         "phone=Phone 1 - Value phone=Phone 2 - Value country=Address 1 - Country"},
        {"Google Contacts 2024 and later", "Google Contacts",
         "first_name=First Name last_name=Last Name name=File As tags=Labels email=E-mail 1 - Value phone=Phone 1 - "
         "Value "
         "phone=Phone 2 - Value country=Address 1 - Country"},
        {"HubSpot contacts export", "HubSpot", "first_name=First Name last_name=Last Name email=Email phone=Phone"},
        {"HubSpot contacts export (longer)", "HubSpot",
         "first_name=First Name last_name=Last Name phone=Phone Number email=Email created_at=Create Date"},
        {"Mailchimp audience export", "Mailchimp",
         "email=Email Address first_name=First Name last_name=Last Name created_at=OPTIN_TIME zone=TIMEZONE "
         "country=CC"},
        {"Mailchimp audience export with tags", "Mailchimp",
         "email=Email first_name=First Name last_name=Last Name created_at=OPTIN_TIME zone=TIMEZONE country=CC "
         "tags=TAGS"},
        {"WordPress / WooCommerce user import", "WordPress",
         "email=user_email first_name=first_name last_name=last_name name=display_name"},
        {"listmonk subscribers", "listmonk", "email=email name=name"},
        {"Chatwoot contacts", "Chatwoot", "name=name email=email phone=phone_number tags=labels"},
        {"Mautic contacts", "Mautic",
         "first_name=firstname last_name=lastname country=country email=email phone=phone"},
    };
    struct str all = file_text("headers.tsv");
    if (all.p == NULL)
        skip_loudly("the shared cases are not there");
    char *copy = strndup(all.p, all.n);
    size_t found = 0;
    for (struct str rest = {copy, all.n}; rest.n > 0;) {
        struct str line = str_cut(rest, '\n', &rest), after, origin = str_cut(line, '\t', &after);
        struct str header = str_cut(after, '\t', &after);
        for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
            if (str_eq(origin, str_of(lines[i].origin))) {
                char *z = strndup(header.p, header.n);
                expect(z, lines[i].preset, lines[i].want);
                free(z);
                found++;
            }
    }
    assert_int_equal(found, sizeof lines / sizeof lines[0]);
    free(copy);
}

/* Rows 2 to 10 are one column short, and the number stands under document_number. */
TEST(shared_short_rows)
{
    struct str text = file_text("chatwoot-import-sample.csv");
    if (text.p == NULL)
        skip_loudly("the shared cases are not there");
    struct arena *a = arena_create(4u << 20);
    struct columns c;
    struct buf b;
    buf_init(&b, 1024);
    read_columns(a, text, &c);
    int france = phone_region(&plans, STR("FR"));
    columns_look(&c, &plans, france, &rows);
    assert_str(c.column[c.at[COLUMN_PHONE]].name, "phone_number");
    assert_int_equal(rows.rows, 10);
    for (size_t i = 0; i < rows.rows; i++) {
        buf_clear(&b);
        assert_int_equal(columns_ragged(&c, &plans, &rows.row[i], rows.cell, france, &b), i > 0);
        assert_true(i == 0 || strstr(buf_cstr(&b), "under \"document_number\"") != NULL);
    }
    buf_done(&b);
    arena_free(a);
}

/* A short row whose number is right where its own country is asked. */
TEST(ragged_abroad)
{
    struct arena *a = arena_create(1u << 20);
    struct columns c;
    read_columns(a, STR("phone,country,order,note\n0151 12345610,DE,491701234567\nx,DE,491701234567\n"), &c);
    columns_look(&c, &plans, 0, &rows);
    assert_false(columns_ragged(&c, &plans, &rows.row[0], rows.cell, 0, NULL));
    assert_true(columns_ragged(&c, &plans, &rows.row[1], rows.cell, 0, NULL));
    struct buf said;
    buf_init(&said, 1024);
    columns_say(&c, &said);
    assert_string_equal(buf_cstr(&said), "numbers are read from \"phone\", their country from \"country\"");
    buf_done(&said);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(names_of_many_programs),
                                       T(names_in_many_languages),
                                       T(order_of_numbers),
                                       T(same_names),
                                       T(content_decides),
                                       T(no_header),
                                       T(countries),
                                       T(ragged),
                                       T(ragged_abroad),
                                       T(shared_files),
                                       T(shared_headers),
                                       T(shared_short_rows)};
    phone_data_builtin(&plans);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
