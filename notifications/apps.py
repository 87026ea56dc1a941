from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self):
        from ml_training.events import ml_status_changed
        from notifications.receivers import tell_staff

        ml_status_changed.connect(tell_staff, dispatch_uid="notifications.tell_staff")
