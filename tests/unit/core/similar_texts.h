/* SPDX-License-Identifier: Apache-2.0
 * similar_texts.h - messages as businesses send them, in twelve languages, written for the test of similar.c.
 *
 * Of one language no two say the same thing. Those of different languages often do, which does not matter: nobody
 * compares them. */
#ifndef WL_TESTS_SIMILAR_TEXTS_H
#define WL_TESTS_SIMILAR_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

static const char *const texts_en[] = {
    "Your parcel from Maple Garden Tools is on its way and will reach you on Friday between 9:00 and 13:00. Track it "
    "at https://maple.example/t/8841.",
    "Summer sale! Everything for the balcony is 30% off until Sunday, and delivery is free from 50 EUR. Come by or "
    "order in our app.",
    "Dear guest, your table for four is booked on 12 May at 19:30. Please tell us by noon if you cannot make it, we "
    "have a waiting list.",
    "Your dentist appointment with Dr. Keller is tomorrow at 8:15. Bring your insurance card and come ten minutes "
    "early, please.",
    "We miss you at the gym! Renew your membership this week and train two months for free, with a personal coach for "
    "the first hour.",
    "The water supply in Elm Street will be off on Tuesday from 8 to 12 because of repairs. We are sorry for the "
    "inconvenience.",
    "New in our bakery: rye bread with walnuts, baked every morning. Show this message and the first loaf costs you "
    "only 2.50.",
    "Your loan application has been received. An adviser will call you within two working days; keep your last three "
    "payslips ready.",
    NULL,
};
static const char *const texts_de[] = {
    "Ihre Bestellung bei Gartenwelt Maier ist unterwegs und kommt am Freitag zwischen 9 und 13 Uhr an. Verfolgen: "
    "https://maier.example/s/8841",
    "Sommerschlussverkauf! Alles für den Balkon ist bis Sonntag um 30 % reduziert, und ab 50 Euro liefern wir "
    "kostenlos nach Hause.",
    "Ihr Termin bei Frau Doktor Keller ist morgen um 8:15 Uhr. Bitte bringen Sie Ihre Versichertenkarte mit und seien "
    "Sie pünktlich.",
    "Wir vermissen Sie im Studio! Verlängern Sie diese Woche Ihre Mitgliedschaft und trainieren Sie zwei Monate "
    "umsonst.",
    "Wegen Bauarbeiten wird das Wasser in der Ulmenstraße am Dienstag von 8 bis 12 Uhr abgestellt. Wir bitten um "
    "Verständnis.",
    "Neu in unserer Bäckerei: Roggenbrot mit Walnüssen, jeden Morgen frisch. Zeigen Sie diese Nachricht und zahlen Sie "
    "nur 2,50.",
    NULL,
};
static const char *const texts_fr[] = {
    "Votre colis de la Maison du Jardin est en route et arrivera vendredi entre 9 h et 13 h. Suivez-le sur "
    "https://jardin.example/c/8841",
    "Soldes d'été ! Tout pour le balcon est à -30 % jusqu'à dimanche, et la livraison est offerte dès 50 euros "
    "d'achat.",
    "Votre rendez-vous chez le docteur Keller est demain à 8 h 15. Merci d'apporter votre carte vitale et de venir un "
    "peu en avance.",
    "Vous nous manquez à la salle ! Renouvelez votre abonnement cette semaine et profitez de deux mois gratuits avec "
    "un coach.",
    "L'eau sera coupée rue des Ormes mardi de 8 h à 12 h en raison de travaux. Nous vous prions de nous excuser.",
    "Nouveau à la boulangerie : le pain de seigle aux noix, cuit chaque matin. Montrez ce message et payez-le "
    "seulement 2,50 euros.",
    NULL,
};
static const char *const texts_es[] = {
    "Su paquete de Jardines del Sur está en camino y llegará el viernes entre las 9 y las 13 horas. Sígalo en "
    "https://sur.example/p/8841",
    "¡Rebajas de verano! Todo para el balcón con un 30 % de descuento hasta el domingo y envío gratis desde 50 euros.",
    "Su cita con la doctora Keller es mañana a las 8:15. Traiga por favor su tarjeta sanitaria y llegue diez minutos "
    "antes.",
    "¡Le echamos de menos en el gimnasio! Renueve esta semana su abono y entrene dos meses gratis con un entrenador "
    "personal.",
    "El agua estará cortada en la calle Olmo el martes de 8 a 12 por obras. Disculpe las molestias que podamos "
    "causarle.",
    "Novedad en nuestra panadería: pan de centeno con nueces, recién hecho cada mañana. Enseñe este mensaje y pague "
    "solo 2,50.",
    NULL,
};
static const char *const texts_pt[] = {
    "A sua encomenda da Casa do Jardim está a caminho e chega na sexta-feira entre as 9h e as 13h. Acompanhe em "
    "https://casa.example/e/8841",
    "Saldos de verão! Tudo para a varanda com 30% de desconto até domingo, e a entrega é grátis a partir de 50 euros.",
    "A sua consulta com a doutora Keller é amanhã às 8h15. Traga o seu cartão de utente e chegue dez minutos mais "
    "cedo, por favor.",
    "Sentimos a sua falta no ginásio! Renove a inscrição esta semana e treine dois meses sem pagar, com um treinador "
    "pessoal.",
    "O abastecimento de água na Rua dos Ulmeiros será interrompido na terça-feira das 8 às 12 para reparações. Pedimos "
    "desculpa.",
    "Novidade na nossa padaria: pão de centeio com nozes, cozido todas as manhãs. Mostre esta mensagem e pague apenas "
    "2,50.",
    NULL,
};
static const char *const texts_tr[] = {
    "Bahçe Dünyası siparişiniz yola çıktı, cuma günü 9:00 ile 13:00 arasında elinizde olacak. Takip: "
    "https://bahce.example/t/8841",
    "Yaz indirimi başladı! Balkon için her şey pazar gününe kadar yüzde 30 indirimli, 500 TL üzeri kargo bedava.",
    "Doktor Keller ile randevunuz yarın saat 8:15'te. Lütfen kimlik kartınızı yanınızda getirin ve on dakika erken "
    "gelin.",
    "Sizi spor salonumuzda özledik! Üyeliğinizi bu hafta yenileyin, iki ay boyunca ücretsiz ve antrenör eşliğinde "
    "çalışın.",
    "Onarım çalışmaları nedeniyle Karaağaç Sokak'ta salı günü 8 ile 12 arasında su kesilecektir. Anlayışınız için "
    "teşekkürler.",
    "Fırınımızda yeni: cevizli çavdar ekmeği, her sabah taze. Bu mesajı gösterin, ilk ekmeği yalnızca 25 liraya alın.",
    NULL,
};
static const char *const texts_id[] = {
    "Paket Anda dari Toko Taman Indah sedang dikirim dan tiba hari Jumat antara pukul 9.00 dan 13.00. Lacak di "
    "https://taman.example/p/8841",
    "Obral musim panas! Semua perlengkapan balkon diskon 30% sampai hari Minggu, gratis ongkos kirim mulai belanja "
    "Rp500.000.",
    "Janji temu Anda dengan dokter Keller besok pukul 8.15. Mohon bawa kartu asuransi dan datang sepuluh menit lebih "
    "awal.",
    "Kami rindu Anda di pusat kebugaran! Perpanjang keanggotaan minggu ini dan berlatihlah gratis dua bulan bersama "
    "pelatih.",
    "Aliran air di Jalan Cemara akan dimatikan hari Selasa pukul 8 sampai 12 karena perbaikan. Mohon maaf atas "
    "gangguan ini.",
    "Baru di toko roti kami: roti gandum dengan kacang kenari, segar setiap pagi. Tunjukkan pesan ini dan bayar hanya "
    "Rp25.000.",
    NULL,
};
static const char *const texts_ru[] = {
    "Ваша посылка из магазина «Садовый мир» в пути и прибудет в пятницу с 9:00 до 13:00. Отследить: "
    "https://sad.example/p/8841",
    "Летняя распродажа! Всё для балкона со скидкой 30 % до воскресенья, а при заказе от 3000 рублей доставка "
    "бесплатно.",
    "Вы записаны к доктору Келлер завтра на 8:15. Пожалуйста, возьмите с собой полис и приходите на десять минут "
    "раньше.",
    "Мы скучаем по вам в спортзале! Продлите абонемент на этой неделе и занимайтесь два месяца бесплатно с тренером.",
    "Из-за ремонта во вторник с 8 до 12 на улице Вязов не будет холодной воды. Приносим извинения за неудобства.",
    "Новинка нашей пекарни: ржаной хлеб с грецкими орехами, свежий каждое утро. Покажите это сообщение и платите 90 "
    "рублей.",
    NULL,
};
static const char *const texts_ar[] = {
    "طلبك من متجر عالم الحدائق في الطريق إليك وسيصل يوم الجمعة بين الساعة 9 والساعة 13. تتبعه على "
    "https://garden.example/p/8841",
    "تخفيضات الصيف بدأت! كل مستلزمات الشرفة بخصم 30% حتى يوم الأحد، والتوصيل مجاني للطلبات التي تزيد على 200 درهم.",
    "موعدك مع الطبيبة كيلر غدا في الساعة 8:15 صباحا. يرجى إحضار بطاقة التأمين والحضور قبل الموعد بعشر دقائق.",
    "اشتقنا إليك في النادي الرياضي! جدد اشتراكك هذا الأسبوع وتدرب شهرين مجانا مع مدرب خاص في الحصة الأولى.",
    "سيتم قطع المياه في شارع الدردار يوم الثلاثاء من الساعة 8 إلى 12 بسبب أعمال الصيانة. نعتذر عن الإزعاج.",
    "جديد مخبزنا: خبز الجاودار بالجوز، طازج كل صباح. أظهر هذه الرسالة وادفع 10 دراهم فقط ثمنا للرغيف الأول.",
    NULL,
};
static const char *const texts_hi[] = {
    "गार्डन वर्ल्ड से आपका पार्सल रास्ते में है और शुक्रवार को सुबह 9 से दोपहर 1 बजे के बीच पहुँचेगा। यहाँ देखें "
    "https://garden.example/p/8841",
    "गर्मियों की सेल शुरू! बालकनी का सारा सामान रविवार तक 30% छूट पर, और 500 रुपये से ऊपर के ऑर्डर पर डिलीवरी मुफ़्त।",
    "डॉक्टर केलर के साथ आपका अपॉइंटमेंट कल सुबह 8:15 बजे है। कृपया अपना बीमा कार्ड लाएँ और दस मिनट पहले पहुँचें।",
    "जिम में हमें आपकी कमी खल रही है! इस हफ़्ते सदस्यता का नवीनीकरण करें और ट्रेनर के साथ दो महीने मुफ़्त कसरत करें।",
    "मरम्मत के काम के कारण मंगलवार को 8 से 12 बजे तक एल्म स्ट्रीट में पानी की सप्लाई बंद रहेगी। असुविधा के लिए खेद है।",
    "हमारी बेकरी में नया: अखरोट वाली राई की रोटी, हर सुबह ताज़ा बनी हुई। यह संदेश दिखाएँ और पहली रोटी सिर्फ़ 50 रुपये में लें।",
    NULL,
};
static const char *const texts_th[] = {
    "พัสดุของคุณจากร้านสวนสวยกำลังเดินทางและจะถึงในวันศุกร์ระหว่างเวลา 9:00 ถึง 13:00 น. ติดตามได้ที่ https://suan.example/p/8841",
    "ลดราคาฤดูร้อน! ของตกแต่งระเบียงทุกชิ้นลด 30% ถึงวันอาทิตย์นี้ และจัดส่งฟรีเมื่อซื้อครบ 500 บาทขึ้นไป",
    "นัดหมายของคุณกับคุณหมอนภาคือพรุ่งนี้เวลา 8:15 น. กรุณานำบัตรประกันสังคมมาด้วยและมาถึงก่อนเวลาสิบนาที",
    "เราคิดถึงคุณที่ฟิตเนส! ต่ออายุสมาชิกภายในสัปดาห์นี้แล้วออกกำลังกายฟรีสองเดือนพร้อมครูฝึกส่วนตัว",
    "การประปาแจ้งหยุดจ่ายน้ำในซอยสุขใจวันอังคารตั้งแต่ 8 ถึง 12 นาฬิกาเพื่อซ่อมท่อ ขออภัยในความไม่สะดวก",
    "เมนูใหม่จากร้านขนมปังของเรา ขนมปังไรย์ใส่วอลนัท อบสดทุกเช้า แสดงข้อความนี้รับชิ้นแรกในราคาเพียง 25 บาท",
    "เรียนท่านลูกค้า โต๊ะสำหรับสี่ท่านจองไว้แล้ววันที่ 12 พฤษภาคม เวลา 19:30 หากมาไม่ได้โปรดแจ้งก่อนเที่ยง",
    "ธนาคารได้รับคำขอสินเชื่อของท่านแล้ว เจ้าหน้าที่จะโทรกลับภายในสองวันทำการ โปรดเตรียมสลิปเงินเดือนสามเดือนล่าสุด",
    "ขอบคุณที่เลือกพักกับโรงแรมริมทะเล เช็กอินได้ตั้งแต่บ่ายสองโมง อาหารเช้าให้บริการที่ชั้นดาดฟ้าทุกวัน",
    "คอร์สภาษาอังกฤษออนไลน์เปิดรับสมัครแล้ว เรียนสดกับครูต่างชาติอาทิตย์ละสองครั้ง สมัครก่อนสิ้นเดือนลดทันที",
    "รถของคุณครบกำหนดตรวจเช็กระยะแล้ว นัดหมายศูนย์บริการใกล้บ้านเพื่อเปลี่ยนน้ำมันเครื่องและรับล้างรถฟรี",
    "คะแนนสะสมของท่านจะหมดอายุปลายปีนี้ แลกเป็นส่วนลดค่าน้ำมันหรือบัตรชมภาพยนตร์ได้ที่แอปของเรา",
    NULL,
};
static const char *const texts_zh[] = {
    "您在绿园家居购买的包裹已经发出,预计周五上午9点到下午1点之间送达,请保持电话畅通。查询物流请点击https://"
    "lvyuan.example/p/8841",
    "夏季大促销开始了!阳台用品全部七折,活动截至本周日,满300元免费送货上门,数量有限,欢迎到店选购或在小程序下单。",
    "尊敬的患者,您预约的王医生门诊时间是明天上午8点15分,请携带医保卡并提前十分钟到二楼候诊区签到。",
    "好久不见!本周内续办健身会员卡,即可免费锻炼两个月,首次到店还可以享受一小时私人教练指导。",
    "因管道维修,榆树街周二8时至12时将暂停供水,请居民提前做好储水准备,给您带来不便敬请谅解。",
    "本店新品上市:核桃黑麦面包,每天早晨新鲜出炉。出示此短信,第一个面包只需要12元,快来尝尝吧。",
    "您好,您预订的五月十二日晚七点半四人桌已经确认,如果不能前来,请在当天中午之前通知我们,谢谢合作。",
    "我们已收到您的贷款申请,客户经理将在两个工作日内与您联系,请准备好最近三个月的工资流水和身份证复印件。",
    "感谢您选择海边酒店,下午两点以后可以办理入住,自助早餐每天在顶楼餐厅供应,祝您旅途愉快。",
    "英语在线课程开始招生,外教每周两次直播授课,月底前报名立即优惠,名额不多,先到先得。",
    "您的爱车保养时间到了,请预约附近的服务中心更换机油,现在预约还可以免费洗车一次。",
    "您的会员积分将于年底清零,可以在手机应用中兑换加油优惠券或者电影票,不要错过。",
    NULL,
};

static const struct written {
    const char *language;
    bool spaceless, latin, cyrillic;
    const char *const *texts;
} written[] = {
    {"en", false, true, false, texts_en},  {"de", false, true, false, texts_de}, {"fr", false, true, false, texts_fr},
    {"es", false, true, false, texts_es},  {"pt", false, true, false, texts_pt}, {"tr", false, true, false, texts_tr},
    {"id", false, true, false, texts_id},  {"ru", false, false, true, texts_ru}, {"ar", false, false, false, texts_ar},
    {"hi", false, false, false, texts_hi}, {"th", true, false, false, texts_th}, {"zh", true, false, false, texts_zh},
};

#endif
