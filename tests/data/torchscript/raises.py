def forward(self, x):
    assert bool(x.sum() <= 0), "the sum is positive"
    return x
