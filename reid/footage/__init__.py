"""Where frames come from: images, video files, cameras, streams. Shared by both packages."""
