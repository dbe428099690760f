// Texts for models.
