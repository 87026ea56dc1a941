"""Django's permissions for the catalogue, by what they let a person do."""

VIEW_PRODUCTS = "catalog.view_product"
CHANGE_PRODUCTS = "catalog.change_product"
VIEW_PHOTOS = "catalog.view_productimage"
ADD_PHOTOS = "catalog.add_productimage"
VIEW_ACTIVITY = "catalog.view_activity"
CHANGE_PHOTOS = "catalog.change_productimage"
DELETE_PHOTOS = "catalog.delete_productimage"
