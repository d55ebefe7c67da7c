"""Changes: remedies applied to a script from outside, one small typed function each.

Every module here declares a change or a family of changes, beside the code that applies it, and imports torch only when
it is used; `catalogue` collects the declarations, `applying` holds what they are made with. A change subscribes to
moments of the training (an optimizer is made, the model runs for the first time, a loss is computed) and alters what
happens there. A trial need not be bit-identical to the script, only say what it did.
"""
