"""What the built site needs besides the chapters: words explained, metadata, the PDF, a fresh house."""
