from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self):
        from django.contrib.auth.signals import user_logged_out

        from ml_training.events import ml_status_changed
        from notifications.signal_handlers import close_pages, tell_staff

        ml_status_changed.connect(tell_staff, dispatch_uid="notifications.tell_staff")
        user_logged_out.connect(close_pages, dispatch_uid="notifications.close_pages")
