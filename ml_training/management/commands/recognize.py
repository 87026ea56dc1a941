"""Names the products on photos."""

from dataclasses import asdict
from pathlib import Path

from django.core.management.base import CommandError
from django.urls import reverse

from catalog.formatting import percent
from catalog.management.shop_command import ShopCommand
from catalog.photo_files import PhotoRefused
from ml_training.recognition.explain import nearest_photos
from ml_training.recognition.recognize import Recognition, recognize
from ml_training.versions.load import NO_MODEL


class Command(ShopCommand):
    help = "Name the product on each photo, with the active version."

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument(
            "--explain", action="store_true", help="also name the nearest catalogue photo of each candidate"
        )
        parser.add_argument("files", type=Path, nargs="+", metavar="FILE")

    def run(self, shop, **options):
        version, results = None, []
        for path in options["files"]:
            try:
                answer = recognize(shop, path.read_bytes())
            except NO_MODEL as error:
                raise CommandError(str(error)) from error
            except OSError as error:
                results.append(self._unreadable(path, f"The file cannot be read: {error.strerror}."))
            except PhotoRefused as error:
                results.append(self._unreadable(path, str(error)))
            else:
                version = answer.version
                candidates = [asdict(candidate) for candidate in answer.candidates]
                for candidate in candidates:
                    candidate["probability"] = round(candidate["probability"], 4)
                if options["explain"]:
                    self._explain(answer, candidates)
                results.append({"file": str(path), "recognised": answer.recognized, "candidates": candidates})
                self._tell(path, candidates, answer.recognized)
        self.is_done = all("error" not in result for result in results)
        return {"version": version, "results": results}

    def _unreadable(self, path: Path, reason: str) -> dict:
        self.stderr.write(f"{path}: {reason}")
        return {"file": str(path), "recognised": False, "candidates": [], "error": reason}

    def _tell(self, path: Path, candidates: list[dict], recognized: bool) -> None:
        if not candidates:
            self.say(f"{path}: no product of the model is switched on")
            return
        self.say(f"{path}: {candidates[0]['name'] if recognized else 'not sure'}")
        for candidate in candidates[:3]:
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
