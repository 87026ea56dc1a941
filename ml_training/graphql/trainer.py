"""GraphQL mutations for external trainers. See docs/external-trainer.md."""

import graphene

from api.errors import ApiError
from api.fields import CALLED_BY, read_id
from api.uploads import Upload
from ml_training.graphql.fields import enum_of
from ml_training.models import TrainingRun
from ml_training.remote.callbacks import KINDS, PHASES, Report, take_model, take_report
from ml_training.remote.tokens import CallbackRefused, run_of
from ml_training.remote.verify import ModelRefused

TrainerReportKind = enum_of("TrainerReportKind", KINDS, "What a trainer reports.")
TrainerPhase = enum_of("TrainerPhase", [phase.value for phase in PHASES], "What a trainer is doing.")
OF_RUN_TOKENS = frozenset({"updateTrainingStatus", "completeTraining"})
RUN_S_TRAINER = "the external trainer that has the run, with the token made for it."


def run_id_argument() -> graphene.Argument:
    return graphene.ID(description="The run; may be left out, since the token is made for one run.")


def opened_run(info, run_id) -> TrainingRun:
    """The run that the request's token opens.

    Raises:
        CallbackRefused: the token does not hold, or is another run's.
    """
    number = read_id(run_id, "runId is a number.") if run_id else None
    return run_of(info.context.access.bearer, number)


class UpdateTrainingStatus(graphene.Mutation):
    class Meta:
        description = f"Report how a run is going. {CALLED_BY}{RUN_S_TRAINER}"

    class Arguments:
        kind = TrainerReportKind(required=True, description="STARTED, PROGRESS or FAILED.")
        phase = TrainerPhase(description="What the trainer is doing.")
        percent = graphene.Float(description="How much of the trainer's work is done, 0 to 100.")
        message = graphene.String(description="A sentence for staff; with FAILED, why.")
        run_id = run_id_argument()

    run_id = graphene.ID(required=True, description="The run.")

    def mutate(self, info, kind, phase=None, percent=0.0, message="", run_id=None):
        try:
            run = opened_run(info, run_id)
            phase = phase.value if phase else ""
            take_report(run, Report(kind.value, phase, percent or 0.0, message or ""))
        except CallbackRefused as refused:
            raise ApiError(str(refused), refused.code) from refused
        return UpdateTrainingStatus(run_id=run.pk)


class CompleteTraining(graphene.Mutation):
    class Meta:
        description = (
            "End a run with its model, which is verified, published and made the active one. A model that is "
            f"refused fails the run. {CALLED_BY}{RUN_S_TRAINER}"
        )

    class Arguments:
        model_json = Upload(required=True, description="`model.json`, which lists the SHA-256 of the others.")
        weights = Upload(required=True, description="`weights.safetensors`.")
        metadata = Upload(required=True, description="`metadata.json`, with `labels` and `set_aside`.")
        run_id = run_id_argument()

    run_id = graphene.ID(required=True, description="The run.")
    version = graphene.Int(required=True, description="The version's number.")
    message = graphene.String(required=True, description="What staff are told.")

    def mutate(self, info, model_json, weights, metadata, run_id=None):
        try:
            run = opened_run(info, run_id)
            run = take_model(run, {"model_json": model_json, "weights": weights, "metadata": metadata})
        except (CallbackRefused, ModelRefused) as refused:
            raise ApiError(str(refused), refused.code) from refused
        return CompleteTraining(run_id=run.pk, version=run.version.number, message=run.message)


class Mutation(graphene.ObjectType):
    update_training_status = UpdateTrainingStatus.Field()
    complete_training = CompleteTraining.Field()
