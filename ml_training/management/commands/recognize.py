"""Names the products on photos."""

from dataclasses import asdict
from pathlib import Path

from django.core.management.base import CommandError
from django.urls import reverse

from catalog.formatting import percent
from catalog.management.shop_command import ShopCommand
from catalog.photo_files import PhotoRefused
from ml_training.recognition.explain import nearest_photos
from ml_training.recognition.recognize import MAX_PHOTOS, Answer, Recognition, recognize
from ml_training.versions.load import NO_MODEL


class Command(ShopCommand):
    help = "Name the product on each photo, with the active version."

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument(
            "--explain", action="store_true", help="also name the nearest catalogue photo of each candidate"
        )
        parser.add_argument(
            "--together",
            action="store_true",
            help=f"the photos, up to {MAX_PHOTOS}, show different sides of one product: answer once",
        )
        parser.add_argument("files", type=Path, nargs="+", metavar="FILE")

    def run(self, shop, **options):
        version, results = None, []
        files = options["files"]
        if options["together"] and len(files) > MAX_PHOTOS:
            raise CommandError(f"Up to {MAX_PHOTOS} photos of one product are taken together.")
        for paths in [files] if options["together"] else [[path] for path in files]:
            name = ", ".join(map(str, paths))
            try:
                answer = recognize(shop, *(path.read_bytes() for path in paths))
            except NO_MODEL as error:
                raise CommandError(str(error)) from error
            except OSError as error:
                results.append(self._unreadable(name, f"The file cannot be read: {error.strerror}."))
            except PhotoRefused as error:
                results.append(self._unreadable(name, str(error)))
            else:
                version = answer.version
                results.append(self._describe(name, answer, options["explain"]))
        self.is_done = all("error" not in result for result in results)
        return {"version": version, "results": results}

    def _unreadable(self, name: str, reason: str) -> dict:
        self.stderr.write(f"{name}: {reason}")
        nothing: dict = {"answer": None, "confidence": None, "recognised": False, "candidates": []}
        return {"file": name, **nothing, "error": reason}

    def _describe(self, name: str, answer: Recognition, explain: bool) -> dict:
        candidates = [asdict(candidate) for candidate in answer.candidates]
        for candidate in candidates:
            candidate["probability"] = round(candidate["probability"], 4)
            candidate["price"] = None if candidate["price"] is None else str(candidate["price"])
        if explain:
            self._explain(answer, candidates)
        self._tell(name, candidates, answer)
        return {
            "file": name,
            "answer": answer.answer.value,
            "confidence": round(answer.confidence, 4),
            "recognised": answer.recognized,
            "candidates": candidates,
        }

    def _tell(self, name: str, candidates: list[dict], answer: Recognition) -> None:
        if not candidates:
            self.say(f"{name}: no product of the model is switched on")
            return
        words = {
            Answer.NAMED: candidates[0]["name"],
            Answer.CHOOSE: "not sure, one of these",
            Answer.UNKNOWN: "probably none of the shop's products",
        }
        self.say(f"{name}: {words[answer.answer]}")
        for candidate in candidates:
            self.say(f"{percent(candidate['probability'], 1):>9}  {candidate['name']} ({candidate['sku']})")
            if near := candidate.get("nearest_photo"):
                self.say(f"{'':>10}nearest photo: {near['filename']} ({near['url']})")

    def _explain(self, answer: Recognition, candidates: list[dict]) -> None:
        """Add to each candidate its product's photo that is nearest; null where none can be compared."""
        pks = [candidate["product_id"] for candidate in candidates]
        near = nearest_photos(answer.backbone, answer.vector, pks)
        for candidate in candidates:
            photo, likeness = near.get(candidate["product_id"], (None, None))
            candidate["nearest_photo"] = photo and {
                "id": photo.pk,
                "filename": photo.filename,
                "path": photo.image.name,
                "url": reverse("photo", args=[photo.pk, photo.sha256]),
                "likeness": likeness,
            }
