"""Every page of the console."""

from django.urls import URLPattern, path

from zaitu.console.access import session, teams
from zaitu.console.access import views as access
from zaitu.console.calls import live as calls_live
from zaitu.console.calls import views as calls
from zaitu.console.customers import views as customers
from zaitu.console.desk import views as desk
from zaitu.console.home import views as home
from zaitu.console.journey import numbers, orders, shipments, trips
from zaitu.console.network import company
from zaitu.console.network import views as network
from zaitu.console.notify import people, robots, templates
from zaitu.console.notify import views as notify
from zaitu.console.telemetry import commands, gateway, live, terminal
from zaitu.console.telemetry import views as telemetry

app_name = "console"
urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("sign-in", session.sign_in, name="sign-in"),
    path("sign-out", session.sign_out, name="sign-out"),
    path("me", session.me, name="me"),
    path("company", company.company, name="company"),
    path("search", home.search, name="search"),
    path("pick/<slug:kind>", network.pick, name="pick"),
    path("shipments", shipments.shipments, name="shipments"),
    path("shipments.<slug:form>", shipments.shipments_export, name="shipments-export"),
    path("labels.pdf", shipments.labels_chosen, name="labels-chosen"),
    path("shipments/<str:waybill>", shipments.shipment, name="shipment"),
    path("shipments/<str:waybill>/people", shipments.reveal, name="reveal"),
    path("shipments/<str:waybill>/links", shipments.link_issue, name="link-issue"),
    path("shipments/<str:waybill>/links/<int:link_id>/revoke", shipments.link_revoke, name="link-revoke"),
    path("shipments/<str:waybill>/events/<int:event_id>/void", shipments.event_void, name="event-void"),
    path("shipments/<str:waybill>/events", shipments.event_record, name="event-record"),
    path("shipments/<str:waybill>/reopen", shipments.reopen, name="reopen"),
    path("shipments/<str:waybill>/forward", numbers.forward, name="forward"),
    path("shipments/<str:waybill>/split", numbers.split, name="split"),
    path("shipments/<str:waybill>/labels.pdf", shipments.labels, name="labels"),
    path("files/<str:file_id>", shipments.file, name="file"),
    path("orders/new", orders.order_new, name="order-new"),
    path("orders/import", orders.orders_import, name="orders-import"),
    path("orders/template.csv", orders.orders_template, name="orders-template"),
    path("trips", trips.trips, name="trips"),
    path("trips/new", trips.trip_new, name="trip-new"),
    path("trips/<str:trip>", trips.trip, name="trip"),
    path("trips/<str:trip>/assign", trips.trip_assign, name="trip-assign"),
    path("trips/<str:trip>/cancel", trips.trip_cancel, name="trip-cancel"),
    path("trips/<str:trip>/finish", trips.trip_finish, name="trip-finish"),
    path("trips/<str:trip>/arrival/void", trips.trip_arrival_void, name="trip-arrival-void"),
    path("map", telemetry.fleet_map, name="map"),
    path("map/fleet.json", telemetry.fleet, name="fleet"),
    path("map/live", live.live, name="live"),
    path("map/vehicles/<int:vehicle_id>/track.json", telemetry.vehicle_track, name="vehicle-track"),
    path("map/vehicles/<int:vehicle_id>", telemetry.vehicle, name="vehicle"),
    path("network/drivers/<str:code>/phone", network.driver_phone, name="driver-phone"),
    path("network/<slug:kind>", network.network_list, name="network"),
    path("network/<slug:kind>/new", network.network_edit, name="network-new"),
    path("network/<slug:kind>/import", network.network_import, name="network-import"),
    path("network/<slug:kind>/export.<slug:form>", network.network_export, name="network-export"),
    path("network/<slug:kind>/<str:code>/edit", network.network_edit, name="network-edit"),
    path("telemetry/live", gateway.gateway, name="gateway"),
    path("telemetry/live.json", gateway.numbers, name="gateway-numbers"),
    path("terminals", telemetry.terminals, name="terminals"),
    path("terminals.<slug:form>", telemetry.terminals_export, name="terminals-export"),
    path("terminals/adopt", telemetry.terminal_adopt, name="terminal-adopt"),
    path("terminals/new", telemetry.terminal_create, name="terminal-create"),
    path("terminals/media/<str:media_id>", terminal.media, name="terminal-media"),
    path("terminals/reports/<int:report_id>", terminal.report, name="terminal-report"),
    path("terminals/<str:terminal>", terminal.terminal, name="terminal"),
    path("terminals/<str:terminal>/profile", terminal.terminal_profile, name="terminal-profile"),
    path("terminals/<str:terminal>/commands", commands.history, name="terminal-commands"),
    path("terminals/<str:terminal>/send", commands.send, name="terminal-send"),
    path("terminals/<str:terminal>/reset", telemetry.terminal_reset, name="terminal-reset"),
    path("terminals/<str:terminal>/unbind", telemetry.terminal_unbind, name="terminal-unbind"),
    path("conversations", desk.conversations, name="conversations"),
    path("conversations/photos/<str:file_id>", desk.photo, name="conversation-photo"),
    path("conversations/<int:conversation_id>", desk.conversation, name="conversation"),
    path("conversations/<int:conversation_id>/answer", desk.answer, name="conversation-answer"),
    path("conversations/<int:conversation_id>/take", desk.take, name="conversation-take"),
    path("conversations/<int:conversation_id>/news", desk.news, name="conversation-news"),
    path(
        "conversations/<int:conversation_id>/tickets/<int:ticket_id>",
        desk.ticket_move,
        name="conversation-ticket",
    ),
    path("calls", calls.calls, name="calls"),
    path("calls/waiting", calls.waiting, name="calls-waiting"),
    path("calls/live", calls_live.live, name="calls-live"),
    path("calls/<int:call>/take", calls.take, name="call-take"),
    path("customers", customers.customers_list, name="customers"),
    path("customers/new", customers.customer_edit, name="customer-new"),
    path("customers/erase", customers.person_erase, name="person-erase"),
    path("customers/<str:code>/edit", customers.customer_edit, name="customer-edit"),
    path("keys", access.keys, name="keys"),
    path("keys/new", access.key_issue, name="key-issue"),
    path("keys/partner", access.partner_key_issue, name="partner-key-issue"),
    path("keys/<str:prefix>/revoke", access.key_revoke, name="key-revoke"),
    path("people/<str:person>/notices", people.preferences, name="person-notices"),
    path("robots", robots.robots, name="robots"),
    path("robots/new", robots.robot_add, name="robot-add"),
    path("robots/<int:robot_id>", robots.robot, name="robot"),
    path("webhooks", notify.webhooks, name="webhooks"),
    path("webhooks/new", notify.webhook_put, name="webhook-put"),
    path("webhooks/<int:endpoint_id>", notify.webhook, name="webhook"),
    path("webhooks/<int:endpoint_id>/redeliver", notify.webhook_redeliver, name="webhook-redeliver"),
    path("templates", templates.templates, name="templates"),
    path("templates/<slug:channel>/<slug:event>", templates.template, name="template"),
    path(
        "templates/<slug:channel>/<slug:event>/preview", templates.template_preview, name="template-preview"
    ),
    path("users", access.users, name="users"),
    path("users/new", access.user_edit, name="user-new"),
    path("users/<str:username>/edit", access.user_edit, name="user-edit"),
    path("teams", teams.teams, name="teams"),
    path("teams/new", teams.team_new, name="team-new"),
    path("teams/<int:team_id>", teams.team, name="team"),
    path("teams/<int:team_id>/join", teams.team_join, name="team-join"),
    path("teams/<int:team_id>/leave", teams.team_leave, name="team-leave"),
    path("teams/<int:team_id>/remove", teams.team_remove, name="team-remove"),
    path("audit", access.audit, name="audit"),
    path("audit/<int:entry_id>", access.audit_entry, name="audit-entry"),
    path("health", home.health, name="health"),
    path("health/events/<int:poison_id>", home.poison, name="poison"),
    path("<path:rest>", home.nowhere, name="nowhere"),
]
