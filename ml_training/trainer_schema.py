"""GraphQL mutations for external trainers. Called by `config.schema`; see docs/external-trainer.md."""

import graphene

from catalog.api.errors import ApiError
from catalog.api.uploads import Upload
from ml_training.callbacks import KINDS, PHASES, Report, take_model, take_report
from ml_training.intake import ModelRefused
from ml_training.models import TrainingRun
from ml_training.run_tokens import CallbackRefused, run_of

TrainerReportKind = graphene.Enum(
    "TrainerReportKind", [(kind.upper(), kind) for kind in KINDS], description="What a trainer reports."
)
TrainerPhase = graphene.Enum(
    "TrainerPhase",
    [(phase.name, phase.value) for phase in PHASES],
    description="What a trainer is doing.",
)
RUN_ID = {"run_id": graphene.ID(description="The run; may be left out, since the token is made for one run.")}


def opened_run(info, run_id) -> TrainingRun:
    """The run that the request's token opens.

    Raises:
        CallbackRefused: the token does not hold, or is another run's.
    """
    number = int(run_id) if run_id is not None and str(run_id).isdecimal() else None
    if run_id is not None and number is None:
        raise ApiError("runId is a number.")
    return run_of(info.context.access.bearer, number)


class UpdateTrainingStatus(graphene.Mutation):
    """Reports how a run is going. The token made for the run may do it."""

    class Arguments:
        kind = TrainerReportKind(required=True, description="STARTED, PROGRESS or FAILED.")
        phase = TrainerPhase(description="What the trainer is doing.")
        percent = graphene.Float(description="How much of the trainer's work is done, 0 to 100.")
        message = graphene.String(description="A sentence for staff; with FAILED, why.")
        run_id = RUN_ID["run_id"]

    run_id = graphene.ID(required=True, description="The run. The run's token may read it.")

    def mutate(self, info, kind, phase=None, percent=0.0, message="", run_id=None):
        try:
            run = opened_run(info, run_id)
            kind, phase = getattr(kind, "value", kind), getattr(phase, "value", phase) or ""
            take_report(run, Report(kind, phase, percent or 0.0, message or ""))
        except CallbackRefused as refused:
            raise ApiError(str(refused), refused.code) from refused
        return UpdateTrainingStatus(run_id=run.pk)


class CompleteTraining(graphene.Mutation):
    """Ends a run with its model, which is verified, published and made the active one. The token made for the
    run may do it, once."""

    class Arguments:
        model_json = Upload(required=True, description="`model.json`, which lists the SHA-256 of the others.")
        weights = Upload(required=True, description="`weights.safetensors`.")
        metadata = Upload(required=True, description="`metadata.json`, with `labels` and `set_aside`.")
        run_id = RUN_ID["run_id"]

    run_id = graphene.ID(required=True, description="The run. The run's token may read it.")
    version = graphene.Int(required=True, description="The version's number. The run's token may read it.")
    message = graphene.String(required=True, description="What staff are told. The run's token may read it.")

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
