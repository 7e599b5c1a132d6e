"""Addresses of automation rules: settings, trial, log, and what they did on one ticket."""

from django.urls import path

from tickets.views import rules, rules_log

urlpatterns = [
    path("settings/rules/", rules.rule_list, name="settings_rules"),
    path("settings/rules/new/", rules.rule_edit, name="settings_rule_new"),
    path("settings/rules/log/", rules_log.rules_log, name="settings_rules_log"),
    path("settings/rules/<int:pk>/", rules.rule_edit, name="settings_rule_edit"),
    path("settings/rules/<int:pk>/switch/", rules.rule_switch, name="settings_rule_switch"),
    path("settings/rules/<int:pk>/move/", rules.rule_move, name="settings_rule_move"),
    path("settings/rules/<int:pk>/delete/", rules.rule_delete, name="settings_rule_delete"),
    path("settings/rules/<int:pk>/trial/", rules_log.rule_trial, name="settings_rule_trial"),
    path("desk/t/<int:ticket_id>/rules/", rules_log.ticket_rules, name="ticket_rules"),
]
