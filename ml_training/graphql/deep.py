"""The GraphQL mutation of deep training: cancel it. None starts it: photos do."""

import graphene

from api.fields import called_by, shop_id_argument
from ml_training.graphql.fields import payload_field, shop_for
from ml_training.graphql.mutations import MAY_PREPARE
from ml_training.graphql.types import MAY_READ_TRAINING, MLTrainingInfo
from ml_training.runs.deep import lifecycle as deep_lifecycle
from ml_training.status.shop import training_info


class CancelDeepTraining(graphene.Mutation):
    class Meta:
        description = (
            "Cancel a shop's deep training, whether it waits or trains. The model that serves stays. "
            f"{called_by(*MAY_PREPARE)}"
        )

    class Arguments:
        shop_id = shop_id_argument()

    changed = graphene.Boolean(required=True, description="Whether there was one.")
    ml_training_info = payload_field(MLTrainingInfo, MAY_READ_TRAINING, "How things are now.")

    def mutate(self, info, shop_id=None):
        shop = shop_for(info, shop_id, *MAY_PREPARE)
        return CancelDeepTraining(changed=deep_lifecycle.cancel(shop), ml_training_info=training_info(shop))


class Mutation(graphene.ObjectType):
    cancel_deep_training = CancelDeepTraining.Field()
