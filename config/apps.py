"""Makes the project's own admin site the default one."""

from django.contrib.admin.apps import AdminConfig


class ShelfsightAdminConfig(AdminConfig):
    default_site = "config.site.ShelfsightAdminSite"
