"""What goes over the wire between the service and a keeper: questions and the shape of every answer."""
