"""Takes over two settings of shops that are about training, with their values."""

from django.db import migrations, models

import catalog.hours

SETTINGS = {"unknowns_named_choice": "0.02", "deep_hours": ""}  # with their defaults


def take_over(apps, schema_editor):
    """Give a row to each shop that has chosen something; for the others the defaults hold."""
    Shop = apps.get_model("catalog", "Shop")
    ShopTraining = apps.get_model("ml_training", "ShopTraining")
    for pk, *values in Shop.objects.exclude(**SETTINGS).values_list("pk", *SETTINGS):
        ShopTraining.objects.update_or_create(shop_id=pk, defaults=dict(zip(SETTINGS, values, strict=True)))


def give_back(apps, schema_editor):
    Shop = apps.get_model("catalog", "Shop")
    ShopTraining = apps.get_model("ml_training", "ShopTraining")
    for pk, *values in ShopTraining.objects.exclude(**SETTINGS).values_list("pk", *SETTINGS):
        Shop.objects.filter(pk=pk).update(**dict(zip(SETTINGS, values, strict=True)))


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_deep_hours"), ("ml_training", "0010_words")]
    run_before = [("catalog", "0006_no_training_settings")]  # the catalogue does not know who takes them over

    operations = [
        migrations.AddField(
            model_name="shoptraining",
            name="deep_hours",
            field=models.CharField(
                blank=True,
                default="",
                help_text="When the recogniser may study long, such as 20-6 (from 8 in the evening to 6 in the morning). Empty: whenever the installation allows it. New photos are learned at any hour.",
                max_length=10,
                validators=[catalog.hours.check_hours],
                verbose_name="hours of deep training",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="shoptraining",
            name="unknowns_named_choice",
            field=models.CharField(
                choices=[
                    ("0.005", "0.5 %: very careful, often not sure"),
                    ("0.01", "1 %"),
                    ("0.02", "2 %"),
                    ("0.05", "5 %"),
                    ("0.1", "10 %"),
                    ("0.2", "20 %: bold, seldom not sure"),
                ],
                default="0.02",
                help_text="How many photos of products that are not in the catalogue may be taken for one that is. The fewer, the more often the answer is: not sure.",
                max_length=5,
                verbose_name="unknown products named",
            ),
        ),
        migrations.RunPython(take_over, give_back),
    ]
