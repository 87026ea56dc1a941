"""Another promise: of the names given so few are wrong, instead of so few photos of unknown products named."""

from django.db import migrations, models

# By the share of unknown photos that might be named: the share of names that may be wrong, about as bold.
AS_BOLD = {"0.005": "0.01", "0.01": "0.01", "0.05": "0.05", "0.1": "0.05", "0.2": "0.05"}


def take_over(apps, schema_editor):
    training = apps.get_model("ml_training", "ShopTraining").objects
    for before, now in AS_BOLD.items():
        training.filter(unknowns_named_choice=before).update(names_wrong_choice=now)


def give_back(apps, schema_editor):
    training = apps.get_model("ml_training", "ShopTraining").objects
    for share in ("0.01", "0.05"):
        training.filter(names_wrong_choice=share).update(unknowns_named_choice=share)


class Migration(migrations.Migration):
    dependencies = [("ml_training", "0011_shop_settings")]

    operations = [
        migrations.AddField(
            model_name="shoptraining",
            name="foreign_shown_choice",
            field=models.CharField(
                choices=[("0.02", "2 of 100"), ("0.05", "5 of 100"), ("0.1", "10 of 100")],
                default="0.05",
                help_text="How much of what is held before the camera is not in your catalogue.",
                max_length=5,
                verbose_name="products that you do not sell",
            ),
        ),
        migrations.AddField(
            model_name="shoptraining",
            name="names_wrong_choice",
            field=models.CharField(
                choices=[
                    ("0.01", "1 of 100 wrong: asks more often"),
                    ("0.02", "2 of 100 wrong"),
                    ("0.03", "3 of 100 wrong"),
                    ("0.05", "5 of 100 wrong: asks less often"),
                ],
                default="0.02",
                help_text="How many of 100 names that it gives may be wrong. Lower: fewer wrong names, but it asks more often.",
                max_length=5,
                verbose_name="when to answer without asking",
            ),
        ),
        migrations.RunPython(take_over, give_back),
        migrations.RemoveField(model_name="shoptraining", name="unknowns_named_choice"),
    ]
