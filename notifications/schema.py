"""GraphQL of notifications: a person's inbox, and marking it read.

Notifications are a person's, so tokens have none.
"""

import graphene

from api.errors import NOT_FOUND, ApiError
from api.fields import CALLED_BY, READ_BY, PagedField, read_id
from api.nodes import Node
from ml_training.permissions import VIEW_TRAINING
from notifications.inbox import inbox, mark_read, unread_count
from notifications.models import Notification
from notifications.push import push_read

WHO = f"the person they are for, with {VIEW_TRAINING}; not tokens."

NotificationLevel = graphene.Enum(
    "NotificationLevel",
    [(value.upper(), value) for value in Notification.Level.values],
    description="How grave a notification is.",
)


class NotificationType(Node):
    class Meta:
        model = Notification
        name = "Notification"
        description = f"Something that a person was told. {READ_BY}{WHO}"
        readers = (VIEW_TRAINING,)

    database_id = graphene.ID(required=True, description="Its id in the database.")
    shop_id = graphene.ID(required=True, description="databaseId of the shop it is about.")
    kind = graphene.String(required=True, description="What it is about: ML_TRAINING.")
    level = graphene.Field(NotificationLevel, required=True, description="How grave it is.")
    title = graphene.String(required=True, description="A few words.")
    message = graphene.String(required=True, description="A sentence; may be empty.")
    link = graphene.String(required=True, description="The page to look at, on this server.")
    created_at = graphene.DateTime(required=True, description="When it was told.")
    read_at = graphene.DateTime(description="When it was read; null while unread.")

    @classmethod
    def visible_to(cls, access):
        return inbox(access.user)


def person(info):
    """Who asks. Raises ApiError for nobody, for tokens and for those who may not see training."""
    info.context.access.require(VIEW_TRAINING)
    return info.context.access.user


class Query(graphene.ObjectType):
    notifications = PagedField(
        NotificationType,
        unread_only=graphene.Boolean(description="Leave out what was read."),
        description=f"What the caller was told, newest first. {READ_BY}{WHO}",
    )
    unread_notification_count = graphene.Int(
        required=True, description=f"How many of the caller's notifications are unread. {READ_BY}{WHO}"
    )

    def resolve_notifications(self, info, unread_only=False, **page):
        rows = inbox(person(info))
        return rows.filter(read_at__isnull=True) if unread_only else rows

    def resolve_unread_notification_count(self, info):
        return unread_count(person(info))


class MarkNotificationRead(graphene.Mutation):
    class Meta:
        description = f"Mark one of the caller's notifications read; again changes nothing. {CALLED_BY}{WHO}"

    class Arguments:
        id = graphene.ID(required=True, description="The notification's databaseId.")

    notification = graphene.Field(NotificationType, required=True, description="As it is now.")
    unread_notification_count = graphene.Int(required=True, description="How many are still unread.")

    def mutate(self, info, id):
        user = person(info)
        pk = read_id(id, "id is the notification's databaseId, a number.")
        if not inbox(user).filter(pk=pk).exists():
            raise ApiError("You have no such notification.", NOT_FOUND)
        mark_read(user, pk)
        push_read(user.pk)
        return MarkNotificationRead(
            notification=inbox(user).get(pk=pk), unread_notification_count=unread_count(user)
        )


class MarkAllNotificationsRead(graphene.Mutation):
    class Meta:
        description = f"Mark all of the caller's notifications read. {CALLED_BY}{WHO}"

    marked = graphene.Int(required=True, description="How many were unread until now.")
    unread_notification_count = graphene.Int(required=True, description="How many are unread now: 0.")

    def mutate(self, info):
        user = person(info)
        marked = mark_read(user)
        push_read(user.pk)
        return MarkAllNotificationsRead(marked=marked, unread_notification_count=unread_count(user))


class Mutation(graphene.ObjectType):
    mark_notification_read = MarkNotificationRead.Field(description=MarkNotificationRead._meta.description)
    mark_all_notifications_read = MarkAllNotificationsRead.Field(
        description=MarkAllNotificationsRead._meta.description
    )
