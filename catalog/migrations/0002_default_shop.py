from django.db import migrations


def create_default_shop(apps, schema_editor):
    Shop = apps.get_model("catalog", "Shop")
    if not Shop.objects.exists():
        Shop.objects.create(name="My shop", slug="default")


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [migrations.RunPython(create_default_shop, migrations.RunPython.noop)]
