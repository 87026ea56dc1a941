from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_deep_hours")]

    operations = [
        migrations.RemoveField("shop", "unknowns_named_choice"),
        migrations.RemoveField("shop", "deep_hours"),
    ]
