"""Addresses of what is owed inside a ticket: promises, department tasks, standards."""

from django.urls import path

from tickets.views import promise_saying, promises, standards, task_asking, tasks

urlpatterns = [
    path("desk/promises/", promises.promise_list, name="promises"),
    path("desk/promises/<int:promise_id>/", promises.promise, name="promise"),
    path("desk/promises/<int:promise_id>/settle/", promises.settle, name="promise_settle"),
    path("desk/promises/<int:promise_id>/move/", promises.move, name="promise_move"),
    path("desk/promises/<int:promise_id>/withdraw/", promises.withdraw, name="promise_withdraw"),
    path("desk/t/<int:ticket_id>/promises/", promises.ticket_promises, name="ticket_promises"),
    path("desk/t/<int:ticket_id>/promises/ask/", promise_saying.ask, name="promise_ask"),
    path("desk/t/<int:ticket_id>/promises/keep/", promise_saying.keep, name="promise_keep"),
    path("desk/t/<int:ticket_id>/promises/with-answer/", promise_saying.with_answer, name="promise_with_answer"),
    path("desk/tasks/", tasks.task_list, name="tasks"),
    path("desk/tasks/defects/", tasks.defects, name="defects"),
    path("desk/tasks/digest/", standards.digest, name="digest"),
    path("desk/tasks/<int:task_id>/", tasks.task, name="task"),
    path("desk/tasks/<int:task_id>/take/", tasks.take, name="task_take"),
    path("desk/tasks/<int:task_id>/give-back/", tasks.give_back, name="task_give_back"),
    path("desk/tasks/<int:task_id>/pass-on/", tasks.pass_on, name="task_pass_on"),
    path("desk/tasks/<int:task_id>/answer/", tasks.answer, name="task_answer"),
    path("desk/tasks/<int:task_id>/decline/", tasks.decline, name="task_decline"),
    path("desk/tasks/<int:task_id>/withdraw/", tasks.withdraw, name="task_withdraw"),
    path("desk/tasks/<int:task_id>/ask-again/", tasks.ask_again, name="task_ask_again"),
    path("desk/tasks/<int:task_id>/due/", tasks.reschedule, name="task_reschedule"),
    path("desk/tasks/<int:task_id>/escalate/", task_asking.ask_on, name="task_ask_on"),
    path("desk/t/<int:ticket_id>/tasks/", task_asking.ticket_tasks, name="ticket_tasks"),
    path("desk/t/<int:ticket_id>/tasks/new/", task_asking.ask, name="task_new"),
    path("desk/joint/<int:joint_id>/", task_asking.joint, name="joint"),
    path("desk/t/<int:ticket_id>/steps/", standards.ticket_steps, name="ticket_steps"),
    path("desk/t/<int:ticket_id>/steps/tick/", standards.step, name="ticket_step"),
    path("settings/standards/", standards.standard_list, name="settings_standards"),
    path("settings/standards/<int:category_id>/", standards.standard_edit, name="settings_standard"),
    path("settings/departments/", standards.department_list, name="settings_departments"),
    path("settings/departments/<int:team_id>/", standards.department_edit, name="settings_department"),
]
