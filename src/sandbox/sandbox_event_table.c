/* SPDX-License-Identifier: Apache-2.0
 * sandbox_event_table.c - the catalogue of events: every webhook field of docs/platform.md §6.3, every event of it by name.
 *
 * Values are the documented ones, with ' in the place of ". Words filled in: $name the event's, $number $display $waba $app
 * $portfolio ids, $from $user_id $wamid $call the person and new ids of a message and a call, $template $language $template_id $category, $now
 * and $later (a week on) in seconds.. */
#include "sandbox/sandbox_events.h"

#define METADATA                                                                                                       \
    "'messaging_product':'whatsapp','metadata':{'display_phone_number':'$display','phone_number_id':'$number'}"
#define CONTACT "'contacts':[{'profile':{'name':'Sandbox User'},'wa_id':'$from','user_id':'$user_id'}]"
#define MESSAGE "'from':'$from','from_user_id':'$user_id','id':'$wamid','timestamp':'$now'"
/* An inbound message of that type, with that content. */
#define INBOUND(type, content) "{" METADATA "," CONTACT ",'messages':[{" MESSAGE ",'type':'" type "'," content "}]}"
#define STATUS(more)                                                                                                   \
    "{" METADATA ",'statuses':[{'id':'$wamid','status':'$name','timestamp':'$now','recipient_id':'$from'" more "}]}"
#define MEDIA "'id':'1003383421387256','mime_type':'image/jpeg','sha256':'SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI='"
#define TEMPLATE                                                                                                       \
    "'message_template_id':$template_id,'message_template_name':'$template','message_template_language':'$language'"
#define TEMPLATE_STATUS "'event':'$name'," TEMPLATE ",'message_template_category':'$category'"
#define PHONE           "'display_phone_number':'$display'"
#define WABA_INFO       "'waba_info':{'waba_id':'$waba','owner_business_id':'$portfolio'"
#define GROUP(more)                                                                                                    \
    "{" METADATA ",'groups':[{'timestamp':'$now','group_id':'Y2FwaV9ncm91cDoxNTU1MDAwMTAwMA==','type':'$name'" more    \
    "}]}"
#define CALL "'id':'$call','from':'$from','to':'$display','timestamp':'$now'"
#define ECHO "'from':'$display','to':'$from','id':'$wamid','timestamp':'$now'"

const struct sbx_event sbx_events[] = {
    {"messages", "text", INBOUND("text", "'text':{'body':'hello'}"), NULL},
    {"messages", "image", INBOUND("image", "'image':{" MEDIA ",'caption':'here'}"), NULL},
    {"messages", "sticker", INBOUND("sticker", "'sticker':{" MEDIA ",'animated':false}"), NULL},
    {"messages", "audio",
     INBOUND("audio", "'audio':{'id':'1003383421387257','mime_type':'audio/ogg; codecs=opus','voice':true}"), NULL},
    {"messages", "video", INBOUND("video", "'video':{'id':'1003383421387258','mime_type':'video/mp4'}"), NULL},
    {"messages", "document",
     INBOUND("document", "'document':{'id':'1003383421387259','mime_type':'application/pdf','filename':'order.pdf'}"),
     NULL},
    {"messages", "location", INBOUND("location", "'location':{'latitude':51.5,'longitude':-0.12,'name':'Here'}"), NULL},
    {"messages", "contacts",
     INBOUND("contacts",
             "'contacts':[{'name':{'formatted_name':'Ben'},'phones':[{'phone':'+15550002222','type':'CELL'}]}]"),
     NULL},
    {"messages", "reaction", INBOUND("reaction", "'reaction':{'message_id':'wamid.EARLIER','emoji':'👍'}"), NULL},
    {"messages", "button",
     INBOUND("button", "'context':{'from':'$display','id':'wamid.EARLIER'},'button':{'payload':'Stop "
                       "promotions','text':'Stop promotions'}"),
     NULL},
    {"messages", "button_reply",
     INBOUND("interactive", "'context':{'from':'$display','id':'wamid.EARLIER'},'interactive':{'type':'button_reply','"
                            "button_reply':{'id':'yes','title':'Yes'}}"),
     NULL},
    {"messages", "list_reply",
     INBOUND("interactive",
             "'interactive':{'type':'list_reply','list_reply':{'id':'one','title':'One','description':'The first'}}"),
     NULL},
    {"messages", "nfm_reply",
     INBOUND("interactive",
             "'interactive':{'type':'nfm_reply','nfm_reply':{'name':'flow','body':'Sent','response_json':'{}'}}"),
     NULL},
    {"messages", "call_permission_reply",
     INBOUND("interactive",
             "'interactive':{'type':'call_permission_reply','call_permission_reply':{'response':'accept',"
             "'is_permanent':false,'expiration_timestamp':$later,'response_source':'user_action'}}"),
     NULL},
    {"messages", "order",
     INBOUND("order", "'order':{'catalog_id':'77','text':'','product_items':[{'product_retailer_id':'sku1','quantity':"
                      "1,'item_price':9.5,'currency':'USD'}]}"),
     NULL},
    {"messages", "referral",
     INBOUND("text", "'text':{'body':'Is this still "
                     "there?'},'referral':{'source_url':'https://fb.me/x','source_id':'120226305854810726',"
                     "'source_type':'ad','headline':'Chat with "
                     "us','body':'Sale','media_type':'image','image_url':'https://example.org/i.jpg',"
                     "'ctwa_clid':'Aff-n8ZTODiE79d22KtAwQKj9e'}"),
     NULL},
    {"messages", "user_changed_number",
     "{" METADATA
     ",'messages':[{'from':'$from','id':'$wamid','timestamp':'$now','type':'system','system':{'body':'User A changed "
     "from $from to 15550009998','wa_id':'15550009998','type':'user_changed_number','previous_user_id':'$user_id'}}]}",
     NULL},
    {"messages", "user_changed_user_id",
     "{" METADATA ",'messages':[{'from_user_id':'US.90000000000002','id':'$wamid','timestamp':'$now','type':'system','"
     "system':{'body':'x',"
     "'type':'user_changed_user_id','user_id':'US.90000000000002','previous_user_id':'$user_id'}}]}",
     NULL},
    {"messages", "unsupported",
     INBOUND("unsupported", "'errors':[{'code':131051,'title':'Message type unknown','message':'Message type "
                            "unknown','error_data':{'details':"
                            "'Message type is currently not supported.'}}],'unsupported':{'type':'poll_creation'}"),
     NULL},
    {"messages", "edit",
     INBOUND("edit",
             "'edit':{'original_message_id':'wamid.EARLIER','message':{'type':'text','text':{'body':'hello again'}}}"),
     NULL},
    {"messages", "revoke", INBOUND("revoke", "'revoke':{'original_message_id':'wamid.EARLIER'}"), NULL},
    {"messages", "sent delivered",
     STATUS(",'pricing':{'billable':true,'pricing_model':'PMP','type':'regular','category':'utility'}"), NULL},
    {"messages", "read played deleted", STATUS(""), NULL},
    {"messages", "failed",
     STATUS(",'errors':[{'code':131049,'title':'This message was not delivered to maintain healthy ecosystem "
            "engagement.','message':"
            "'This message was not delivered to maintain healthy ecosystem engagement.','error_data':{'details':'In "
            "order to maintain a "
            "healthy ecosystem engagement, the message failed to be "
            "delivered.'},'href':'/documentation/business-messaging/whatsapp/support/error-codes'}]"),
     NULL},
    {"messages", "errors",
     "{" METADATA
     ",'errors':[{'code':130429,'title':'Rate limit hit','message':'Rate limit hit','error_data':{'details':'Message "
     "failed to send because there were too many messages sent from this phone number in a short period of time.'}}]}",
     NULL},

    {"message_template_status_update",
     "APPROVED PENDING IN_APPEAL LIMIT_EXCEEDED ARCHIVED UNARCHIVED DELETED FLAGGED REINSTATED LOCKED",
     "{" TEMPLATE_STATUS ",'reason':'NONE'}", NULL},
    {"message_template_status_update", "PENDING_DELETION", "{" TEMPLATE_STATUS ",'reason':null}", NULL},
    {"message_template_status_update", "PAUSED",
     "{" TEMPLATE_STATUS
     ",'reason':'NONE','other_info':{'title':'FIRST_PAUSE','description':'Your WhatsApp message template has been "
     "paused for 3 hours due to its low quality.'}}",
     NULL},
    {"message_template_status_update", "DISABLED",
     "{" TEMPLATE_STATUS
     ",'reason':'NONE','disable_info':{'disable_date':$now},'other_info':{'title':'DISABLED','description':'Your "
     "WhatsApp message template has been disabled due to its low quality.'}}",
     NULL},
    {"message_template_status_update", "REJECTED",
     "{" TEMPLATE_STATUS ",'reason':'INVALID_FORMAT','rejection_info':{'reason':'Adjacent "
     "parameters.','recommendation':'Put text between them.'}}",
     NULL},
    {"message_template_status_update", "REJECTED_beside", /* as Meta's syntax block has it */
     "{'event':'REJECTED'," TEMPLATE ",'message_template_category':'$category','reason':'INVALID_FORMAT'}",
     "{'rejection_info':{'reason':'Adjacent parameters.','recommendation':'Put text between them.'}}"},
    {"message_template_status_update", "quality", /* the field Meta's page shows for a quality update */
     "{'previous_quality_score':'GREEN','new_quality_score':'YELLOW'," TEMPLATE "}", NULL},
    {"message_template_quality_update", "YELLOW GREEN RED UNKNOWN",
     "{'previous_quality_score':'GREEN','new_quality_score':'$name'," TEMPLATE "}", NULL},
    {"message_template_components_update", "changed",
     "{" TEMPLATE ",'message_template_element':'Hello {{1}}, our sale starts "
     "tomorrow.','message_template_footer':'Reply STOP to stop'}",
     NULL},
    {"template_category_update", "announced",
     "{" TEMPLATE ",'correct_category':'MARKETING','new_category':'$category','category_update_timestamp':$later}",
     NULL},
    {"template_category_update", "changed", "{" TEMPLATE ",'previous_category':'$category','new_category':'MARKETING'}",
     NULL},
    {"template_correct_category_detection", "detected",
     "{" TEMPLATE ",'category':'UTILITY','correct_category':'MARKETING'}", NULL},

    {"phone_number_quality_update", "THROUGHPUT_UPGRADE ONBOARDING",
     "{" PHONE ",'event':'$name','max_daily_conversations_per_business':'TIER_UNLIMITED'}", NULL},
    {"phone_number_quality_update", "FLAGGED UNFLAGGED UPGRADE DOWNGRADE",
     "{" PHONE ",'event':'$name','current_limit':'TIER_10K'}", NULL},
    {"phone_number_name_update", "APPROVED PENDING DEFERRED",
     "{" PHONE ",'decision':'$name','requested_verified_name':'Example','rejection_reason':null}", NULL},
    {"phone_number_name_update", "REJECTED",
     "{" PHONE ",'decision':'REJECTED','requested_verified_name':'Example','rejection_reason':'NAME_NOT_CONSISTENT'}",
     NULL},
    {"business_username_updates", "approved reserved deleted", "{" PHONE ",'username':'sandbox.shop','status':'$name'}",
     NULL},
    {"phone_number_username_update", "approved", "{" PHONE ",'username':'sandbox.shop','status':'$name'}", NULL},

    {"account_update", "ACCOUNT_OFFBOARDED ACCOUNT_RECONNECTED ACCOUNT_DELETED VERIFIED_ACCOUNT", "{'event':'$name'}",
     NULL},
    {"account_update",
     "RESTRICTED_BIZ_INITIATED_MESSAGING RESTRICTED_CUSTOMER_INITIATED_MESSAGING RESTRICTED_UTILITY_TEMPLATES "
     "RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES RESTRICTED_ADD_PHONE_NUMBER_ACTION "
     "RESTRICTED_BIZ_INITIATED_AND_USER_INITIATED_CALLING RESTRICTED_BUSINESS_INITIATED_CALLING "
     "RESTRICTED_USER_INITIATED_CALLING RESTRICTED_USER_INITIATED_CALLING_CALL_BUTTON_HIDDEN",
     "{'event':'ACCOUNT_RESTRICTION','restriction_info':[{'restriction_type':'$name','expiration':$later}]}", NULL},
    {"account_update", "ACCOUNT_RESTRICTION",
     "{'event':'ACCOUNT_RESTRICTION','restriction_info':[{'restriction_type':'RESTRICTED_BIZ_INITIATED_MESSAGING','"
     "expiration':$later},"
     "{'restriction_type':'RESTRICTED_ADD_PHONE_NUMBER_ACTION','expiration':$later,'remediation':'Wait until the "
     "restriction ends.'}]}",
     NULL},
    {"account_update", "ACCOUNT_VIOLATION", "{'event':'ACCOUNT_VIOLATION','violation_info':{'violation_type':'SCAM'}}",
     NULL},
    {"account_update", "SCHEDULE_FOR_DISABLE DISABLE REINSTATE",
     "{'event':'DISABLED_UPDATE','ban_info':{'waba_ban_state':'$name','waba_ban_date':'November 3, 2026'}}", NULL},
    {"account_update", "AD_ACCOUNT_LINKED", "{'event':'$name'," WABA_INFO ",'ad_account_linked':'980198427534243'}}",
     NULL},
    {"account_update", "MM_LITE_TERMS_SIGNED", "{'event':'$name'," WABA_INFO "}}", NULL},
    {"account_update", "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE",
     "{'event':'$name','auth_international_rate_eligibility':{'exception_countries':[{'country_code':'ID','start_time':"
     "$now}],'start_time':$now}}",
     NULL},
    {"account_update", "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE", "{'event':'$name','country':'IN'}", NULL},
    {"account_update", "PARTNER_ADDED",
     "{'event':'$name'," WABA_INFO ",'solution_id':'77','solution_partner_business_ids':['$portfolio']}}", NULL},
    {"account_update", "PARTNER_REMOVED",
     "{'event':'$name'," WABA_INFO "},'disconnection_info':{'reason':'PRIMARY_INACTIVITY','initiated_by':'SYSTEM'}}",
     NULL},
    {"account_update", "PARTNER_APP_INSTALLED PARTNER_APP_UNINSTALLED",
     "{'event':'$name'," WABA_INFO ",'partner_app_id':'$app'}}", NULL},
    {"account_update", "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
     "{'event':'$name','partner_client_certification_info':{'client_business_id':'$portfolio','status':'APPROVED','"
     "rejection_reasons':['NONE']}}",
     NULL},
    {"account_update", "VOLUME_BASED_PRICING_TIER_UPDATE",
     "{'event':'$name','volume_tier_info':{'tier_update_time':$now,'pricing_category':'UTILITY','tier':'25000001:"
     "50000000',"
     "'effective_month':'2026-11','region':'India'}}",
     NULL},
    {"account_alerts",
     "INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED INCREASED_CAPABILITIES_ELIGIBILITY_FAILED "
     "INCREASED_CAPABILITIES_ELIGIBILITY_NEED_MORE_INFO",
     "{'entity_type':'BUSINESS','entity_id':'$portfolio','alert_info':{'alert_severity':'WARNING','alert_status':'"
     "ACTIVE','alert_type':'$name',"
     "'alert_description':'Your messaging limit was not raised.'}}",
     NULL},
    {"account_alerts", "OBA_APPROVED OBA_REJECTED PROFILE_PICTURE_LOST",
     "{'entity_type':'PHONE_NUMBER','entity_id':'$number','alert_info':{'alert_severity':'INFORMATIONAL','alert_status'"
     ":'NONE','alert_type':'$name',"
     "'alert_description':'See the account.'}}",
     NULL},
    {"account_review_update", "APPROVED REJECTED PENDING DEFERRED", "{'decision':'$name'}", NULL},
    {"account_settings_update", "phone_number_settings",
     "{'messaging_product':'whatsapp','timestamp':'$now','type':'phone_number_settings','phone_number_settings':{'"
     "phone_number_id':'$number',"
     "'calling':{'status':'ENABLED','call_icon_visibility':'DEFAULT','callback_permission_status':'ENABLED'}}}",
     NULL},
    {"business_capability_update", "number",
     "{'max_daily_conversations_per_business':2000,'max_phone_numbers_per_waba':25}", NULL},
    {"business_capability_update", "unlimited",
     "{'max_daily_conversations_per_business':-1,'max_phone_numbers_per_waba':25}", NULL},
    {"business_capability_update", "TIER_250 TIER_2K TIER_10K TIER_100K TIER_UNLIMITED",
     "{'max_daily_conversations_per_business':'$name','max_phone_numbers_per_waba':25}", NULL},
    {"security", "PIN_CHANGED PIN_RESET_REQUEST PIN_REQUEST_SUCCESS",
     "{" PHONE ",'event':'$name','requester':'6155000000'}", NULL},

    {"user_preferences", "stop",
     "{" METADATA "," CONTACT
     ",'user_preferences':[{'wa_id':'$from','user_id':'$user_id','detail':'User requested to stop marketing messages',"
     "'category':'marketing_messages','value':'stop','timestamp':$now}]}",
     NULL},
    {"user_preferences", "resume",
     "{" METADATA "," CONTACT ",'user_preferences':[{'wa_id':'$from','user_id':'$user_id','detail':'User requested to "
     "resume marketing messages',"
     "'category':'marketing_messages','value':'resume','timestamp':$now}]}",
     NULL},

    {"calls", "connect",
     "{" METADATA "," CONTACT ",'calls':[{" CALL
     ",'event':'connect','direction':'USER_INITIATED','session':{'sdp_type':'offer','sdp':'v=0'}}]}",
     NULL},
    {"calls", "business_connect",
     "{" METADATA "," CONTACT
     ",'calls':[{'id':'$call','from':'$display','to':'$from','timestamp':'$now','event':'connect','direction':"
     "'BUSINESS_INITIATED','session':{'sdp_type':'answer','sdp':'v=0'}}]}",
     NULL},
    {"calls", "terminate",
     "{" METADATA "," CONTACT ",'calls':[{" CALL
     ",'event':'terminate','direction':'USER_INITIATED','status':'COMPLETED','start_time':'$now',"
     "'end_time':'$now','duration':1}]}",
     NULL},
    {"calls", "failed",
     "{" METADATA "," CONTACT ",'calls':[{" CALL
     ",'event':'terminate','direction':'BUSINESS_INITIATED','status':'FAILED'}],'errors':[{'code':138021,"
     "'message':'Call failed','href':'/docs'}]}",
     NULL},
    {"calls", "RINGING ACCEPTED REJECTED",
     "{" METADATA
     ",'statuses':[{'id':'$call','type':'call','status':'$name','timestamp':'$now','recipient_id':'$from'}]}",
     NULL},
    {"call_recording_available", "available",
     "{" METADATA ",'call_recordings':[{'call_id':'$call','recording_id':'1003383421387260','timestamp':'$now'}]}",
     NULL},

    {"flows", "FLOW_STATUS_CHANGE",
     "{'event':'$name','message':'Flow sign_up changed status from DRAFT to "
     "PUBLISHED','flow_id':'66','old_status':'DRAFT','new_status':'PUBLISHED'}",
     NULL},
    {"flows", "CLIENT_ERROR_RATE ENDPOINT_ERROR_RATE",
     "{'event':'$name','message':'The error rate is 12 "
     "%','flow_id':'66','error_rate':12.0,'threshold':10,'alert_state':'ACTIVATED','errors':[{"
     "'error_type':'INVALID_SCREEN_TRANSITION','error_rate':12.0,'error_count':3}]}",
     NULL},
    {"flows", "ENDPOINT_LATENCY",
     "{'event':'$name','message':'The latency is 6 "
     "s','flow_id':'66','p50_latency':4000,'p90_latency':6000,'requests_count':34,'threshold':5000,"
     "'alert_state':'ACTIVATED'}",
     NULL},
    {"flows", "ENDPOINT_AVAILABILITY",
     "{'event':'$name','message':'The availability is 85 "
     "%','flow_id':'66','alert_state':'ACTIVATED','availability':85,'threshold':90}",
     NULL},
    {"flows", "FLOW_VERSION_EXPIRY_WARNING",
     "{'event':'$name','message':'Version 3.0 is frozen soon','warning':'Move to a newer version'}", NULL},

    {"history", "0 1 2",
     "{'messaging_product':'whatsapp','metadata':{'display_phone_number':'$display','phone_number_id':'$number'},'"
     "history':[{'metadata':{'phase':$name,"
     "'chunk_order':1,'progress':55},'threads':[{'id':'$from','messages':[{'from':'$display','to':'$from','id':'$wamid'"
     ",'timestamp':'1789000000',"
     "'type':'text','text':{'body':'of long ago'},'history_context':{'status':'READ'}}]}]}]}",
     NULL},
    {"history", "declined",
     "{" METADATA ",'history':[{'errors':[{'code':2593109,'title':'History sync is turned off by the business from the "
     "WhatsApp Business App',"
     "'message':'History sync is turned off by the business from the WhatsApp Business "
     "App','error_data':{'details':'History sharing is turned off.'}}]}]}",
     NULL},
    {"smb_app_state_sync", "add remove",
     "{" METADATA ",'state_sync':[{'type':'contact','contact':{'full_name':'Ana "
     "Example','first_name':'Ana','phone_number':'$from'},'action':'$name',"
     "'metadata':{'timestamp':'$now'}}]}",
     NULL},
    {"smb_message_echoes", "text",
     "{" METADATA ",'message_echoes':[{" ECHO ",'type':'text','text':{'body':'from the phone'}}]}", NULL},
    {"smb_message_echoes", "revoke",
     "{" METADATA ",'message_echoes':[{" ECHO ",'type':'revoke','revoke':{'original_message_id':'wamid.EARLIER'}}]}",
     NULL},
    {"smb_message_echoes", "edit",
     "{" METADATA ",'message_echoes':[{" ECHO ",'type':'edit','edit':{'original_message_id':'wamid.EARLIER','message':{"
     "'type':'text','text':{'body':'better'}}}}]}",
     NULL},
    {"message_echoes", "text",
     "{" METADATA ",'message_echoes':[{" ECHO ",'type':'text','text':{'body':'from the agent'}}]}", NULL},
    {"standby", "text",
     "{" METADATA ",'standby':{" CONTACT ",'messages':[{" MESSAGE ",'type':'text','text':{'body':'to the agent'}}]}}",
     NULL},
    {"standby", "echo", "{'metadata':{'phone_number_id':'$number'},'standby':{'message_echoes':[{'id':'$wamid'}]}}",
     NULL},
    {"messaging_handovers", "control_passed",
     "{'type':'control_passed','sender':{'phone_number':'$from'},'recipient':{'phone_number_id':'$number','display_"
     "phone_number':'$display'},"
     "'control_passed':{'previous_owner_app_role':'meta_business_agent'}}",
     NULL},

    {"group_lifecycle_update", "group_create",
     GROUP(",'request_id':'R1','subject':'Neighbours','invite_link':'https://chat.whatsapp.com/x'"), NULL},
    {"group_lifecycle_update", "group_delete", GROUP(",'request_id':'R2'"), NULL},
    {"group_participants_update", "group_participants_add",
     GROUP(",'reason':'invite_link','added_participants':[{'wa_id':'$from'}]"), NULL},
    {"group_participants_update", "group_participants_remove",
     GROUP(",'request_id':'R3','initiated_by':'business','removed_participants':[{'input':'$from','wa_id':'$from'}],'"
           "failed_participants':[{'input':'15550002222',"
           "'errors':[{'code':131203,'message':'x','title':'x'}]}]"),
     NULL},
    {"group_participants_update", "group_join_request_created group_join_request_revoked",
     GROUP(",'join_request_id':'J1','wa_id':'$from'"), NULL},
    {"group_settings_update", "group_settings_update",
     GROUP(",'request_id':'R4','group_subject':{'text':'New Subject','update_successful':true}"), NULL},
    {"group_status_update", "group_suspend group_suspend_cleared", GROUP(""), NULL},

    {"payment_configuration_update", "Active",
     "{'configuration_name':'pay-prod','provider_name':'razorpay','provider_mid':'acc_X','status':'$name','created_"
     "timestamp':$now,'updated_timestamp':$now}",
     NULL},
    {"partner_solutions", "SOLUTION_CREATED", "{'event':'$name','solution_id':'77','solution_status':'INITIATED'}",
     NULL},
    {"partner_solutions", "SOLUTION_UPDATED", "{'event':'$name','solution_id':'77','solution_status':'ACTIVE'}", NULL},
    {"automatic_events", "LeadSubmitted Purchase",
     "{" METADATA ",'automatic_events':[{'id':'$wamid','event_name':'$name','timestamp':$now,'ctwa_clid':'Aff-"
     "n8ZTODiE79d22KtAwQKj9e'}]}",
     NULL},
    {"tracking_events", "impression", "{'event':'$name','tracking_token':'t1','timestamp':'$now'}", NULL},
    {"template_performance_metrics", "daily",
     "{" TEMPLATE ",'period':'DAILY','sent':120,'delivered':110,'read':80,'clicked':12}", NULL},
};
const size_t sbx_n_events = sizeof sbx_events / sizeof *sbx_events;
