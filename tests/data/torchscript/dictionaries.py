def forward(self, inputs: Dict[str, Tensor]) -> Dict[str, Tensor]:
    return {"sum": inputs["a"] + inputs["b"], "product": inputs["a"] * inputs["b"]}
