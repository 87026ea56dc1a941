from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ml_training", "0009_chosen_versions")]

    operations = [
        migrations.RenameField("modelversion", "judged", "cross_validated"),
        migrations.RenameField("modelversion", "doubts", "evidence"),
    ]
