"""Declarations: news, notifications, subscriptions, the reference's event rows, chats, search filters, logs.

Source: contracts/production.md, 4, Feeds, chat, search, rest
"""

from typing import Final

from tessera.kernel.resources import (
    NEVER,
    ONCE,
    Backlinks,
    Links,
    Verbs,
    choice,
    document,
    flag,
    instant,
    reference,
    text,
)
from tessera.production.access import ADMINS_ONLY
from tessera.production.declare import model, person, table_name, title, to
from tessera.production.links import PRINCIPAL

_NO_ROUTES: Final = Verbs(None, None, None, None, None)

NEWS: Final = model(
    "news",
    "news",
    "News",
    ADMINS_ONLY,
    flag("change", nullable=False, default=False),
    person("author_id", nullable=False),
    to("comment_id", "comment"),
    to("task_id", "task", nullable=False),
    to("preview_file_id", "preview_file"),
)
NOTIFICATION: Final = model(
    "notification",
    "notifications",
    "Notification",
    ADMINS_ONLY,
    flag("read", nullable=False, default=False),
    flag("change", nullable=False, default=False),
    choice(
        "type",
        *("comment", "mention", "assignation", "reply", "reply-mention", "playlist-ready"),
        nullable=False,
        wire="notification_type",
    ),
    person("person_id", nullable=False),
    person("author_id", nullable=False),
    to("comment_id", "comment"),
    to("task_id", "task"),
    to("playlist_id", "playlist"),
    reference("reply_id", None),
    unique=(("person_id", "author_id", "comment_id", "reply_id", "playlist_id", "type"),),
)
SUBSCRIPTION: Final = model(
    "subscription",
    "subscriptions",
    "Subscription",
    ADMINS_ONLY,
    person("person_id", nullable=False),
    to("task_id", "task"),
    to("entity_id", "entity"),
    to("task_type_id", "task_type"),
    unique=(("person_id", "task_id"), ("person_id", "task_type_id", "entity_id")),
)
API_EVENT: Final = model(
    "api_event",
    "events",
    "ApiEvent",
    ADMINS_ONLY,
    title(80),
    person("user_id"),
    to("project_id", "project", written=ONCE),
    document("data"),
    # At most so many without paging (5.1).
    most=1000,
)
CHAT: Final = model(
    "chat",
    "chats",
    "Chat",
    ADMINS_ONLY,
    reference("object_id", None, nullable=False),
    text("object_type", nullable=False, max_length=80, default="entity"),
    instant("last_message"),
    relations=(Links("participants", table_name("chat_participant"), "chat_id", "person_id", PRINCIPAL),),
)
CHAT_MESSAGE: Final = model(
    "chat_message",
    "chat-messages",
    "ChatMessage",
    ADMINS_ONLY,
    to("chat_id", "chat", nullable=False),
    person("person_id", nullable=False),
    text("text"),
    relations=(Backlinks("attachment_files", table_name("attachment_file"), "chat_message_id"),),
)
SEARCH_FILTER_GROUP: Final = model(
    "search_filter_group",
    "search-filter-groups",
    "SearchFilterGroup",
    ADMINS_ONLY,
    text("list_type", nullable=False, max_length=80),
    text("entity_type", max_length=80),
    title(200),
    text("color", nullable=False, max_length=8),
    flag("is_shared", nullable=False, default=False),
    person("person_id"),
    to("project_id", "project", written=ONCE),
    to("department_id", "department"),
)
SEARCH_FILTER: Final = model(
    "search_filter",
    "search-filters",
    "SearchFilter",
    ADMINS_ONLY,
    text("list_type", nullable=False, max_length=80),
    text("entity_type", max_length=80),
    title(200),
    text("search_query", nullable=False, max_length=500),
    flag("is_shared", nullable=False, default=False),
    to("department_id", "department"),
    to("search_filter_group_id", "search_filter_group"),
    person("person_id"),
    to("project_id", "project", written=ONCE),
)
LOGIN_LOG: Final = model(
    "login_log",
    "login-logs",
    "LoginLog",
    _NO_ROUTES,
    person("person_id", nullable=False, on_delete="cascade", written=NEVER),
    text("ip_address", max_length=64, written=NEVER),
    choice("origin", "web", "script", written=NEVER),
    events=None,
)
DESKTOP_LOGIN_LOG: Final = model(
    "desktop_login_log",
    "desktop-login-logs",
    "DesktopLoginLog",
    _NO_ROUTES,
    person("person_id", nullable=False, on_delete="cascade", written=NEVER),
    instant("date", nullable=False, written=NEVER),
    events=None,
)

RESOURCES: Final = (
    NEWS,
    NOTIFICATION,
    SUBSCRIPTION,
    API_EVENT,
    CHAT,
    CHAT_MESSAGE,
    SEARCH_FILTER_GROUP,
    SEARCH_FILTER,
    LOGIN_LOG,
    DESKTOP_LOGIN_LOG,
)
