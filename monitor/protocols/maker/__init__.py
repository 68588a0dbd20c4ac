"""Maker and Sky: debt in Dai against one collateral per ilk, in urns that the Vat keeps."""
