"""The room that writes models to disk, in full or not at all.

`saved_model` and `keras_file` write the formats and load TensorFlow; `atomic`, what they stand on, does not, so that a
plain process can name its errors.
"""
