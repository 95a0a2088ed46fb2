"""The routes that describe the models and send their weights."""

import dataclasses
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import Response

from digitscope.nn.perceptron import Perceptron
from digitscope.service.http import schemas
from digitscope.service.http.problems import Problem, documented
from digitscope.service.http.request_bodies import ARRAY
from digitscope.service.http.state import get_state

router = APIRouter(prefix="/v1/models", tags=["service"])


@router.get("", response_model=schemas.ModelsOut)
async def list_models(request: Request) -> dict[str, Any]:
    """List the models that can be asked, and what they say of themselves."""
    state = get_state(request)
    models = [
        {
            "name": name,
            "parameters": model.classifier.card.parameters,
            "refuses": model.classifier.refuses,
            "threshold": model.classifier.threshold,
            "explains": "layers" if model.network else "occlusion",
            "network": _describe(model.network) if model.network else None,
            "card": dataclasses.asdict(model.classifier.card),
        }
        for name, model in state.models.items()
    ]
    return {"default": state.default, "models": models}


@router.get("/{name}/weights", response_class=Response, responses=documented(404))
async def give_weights(request: Request, name: str) -> Response:
    """Give all weights of a multilayer perceptron, as float32 with the lowest byte first.

    Layer by layer, as `/v1/models` lists them: the kernel, row by row, of inputs × units, and
    the biases.
    """
    name, chosen = get_state(request).choose_model(name)
    if not chosen.network:
        raise Problem(404, f"{name} is no multilayer perceptron; its weights are not given.")
    layers = chosen.network.layers
    parts = [part.ravel() for layer in layers for part in (layer.kernel, layer.bias)]
    return Response(np.concatenate(parts).astype("<f4").tobytes(), media_type=ARRAY)


def _describe(perceptron: Perceptron) -> dict[str, Any]:
    """Return the layers of a network, without its weights."""
    layers = [
        {"inputs": len(layer.kernel), "units": len(layer.bias), "activation": layer.activation}
        for layer in perceptron.layers
    ]
    return {"scale": perceptron.scale, "layers": layers}
