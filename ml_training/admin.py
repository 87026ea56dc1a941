"""Training has one place only, Settings > ML Model: neither its rows nor the queue's are listed beside it.

Products show what was learned from their photos, and shops have the settings of their training.
"""

from django.contrib import admin
from django_q.models import Failure, OrmQ, Schedule, Success

from ml_training.web import product_admin, shop_admin

admin.site.unregister([Failure, OrmQ, Schedule, Success])
product_admin.connect()
shop_admin.connect()
