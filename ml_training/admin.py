"""Training has one place only, Settings > ML Model: neither its rows nor the queue's are listed beside it.

Products show what was learned from their photos.
"""

from django.contrib import admin
from django_q.models import Failure, OrmQ, Schedule, Success

from ml_training.web import product_admin

admin.site.unregister([Failure, OrmQ, Schedule, Success])
product_admin.connect()
