"""Training has one place only, Settings > ML Model: neither its rows nor the queue's are listed beside it."""

from django.contrib import admin
from django_q.models import Failure, OrmQ, Schedule, Success

admin.site.unregister([Failure, OrmQ, Schedule, Success])
