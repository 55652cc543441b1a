"""The door for drivers, couriers and warehouse staff: scanning on a phone."""
