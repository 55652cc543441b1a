"""顺驰物流: a carrier that does not exist, for looking at the product. Cities and roads are real, people and firms are not."""
