def forward(self, left, right):
    return left + right, left - right
