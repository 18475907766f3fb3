// SPDX-License-Identifier: GPL-3.0-or-later
// An archive as part of the image, for boards whose loader hands over nothing but it.
    .section .archive, "a"
    .incbin ARCHIVE
