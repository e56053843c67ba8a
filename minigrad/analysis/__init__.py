"""Why gradient descent works, when it does not, and what to do: curvature, critical points, convexity, gradient flow."""
