"""How torch is listened to; what is done with what is heard is the recorder's business."""
