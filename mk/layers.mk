# SPDX-License-Identifier: GPL-3.0-or-later
# Which row of the tree may include which: `row | rows below it | system headers`. Read by tools/check, not by
# make. A file belongs to the row with the longest name that its path begins with; `*` stands for one folder,
# and each such folder is a row of its own. Every row may include itself. System headers are `freestanding`
# (those that a compiler brings without a libc) or `any`. lib/p2p is a row by itself: it speaks HTTP and JSON.
core/base        |                                                                          | freestanding
core/wasm        | core/base                                                                | freestanding
core/jit         | core/base core/wasm                                                      | freestanding
core/platform.h  | core/base                                                                | freestanding
core/kernel      | core/base core/wasm core/jit core/platform.h interfaces                  | freestanding
interfaces       | core/base programs/rt                                                    | freestanding
machines/bare    | core/base core/platform.h core/kernel interfaces                         | freestanding
machines/hosted  | core/base core/platform.h core/kernel interfaces                         | any
machines/sim     | core/base core/platform.h core/kernel interfaces                         | any
lib/*            | core/base                                                                | freestanding
lib/p2p          | core/base lib/*                                                          | freestanding
programs/rt      | core/base interfaces                                                     | freestanding
programs/*       | core/base lib/* lib/p2p programs/rt interfaces                           | freestanding
programs/p2p     | core/base lib/* lib/p2p programs/rt interfaces                           | freestanding
programs/p2p-loader | core/base lib/* lib/p2p programs/p2p programs/rt interfaces                | freestanding
programs/tools   | core/base lib/* lib/p2p programs/rt interfaces                                   | any
tools            | core/base core/wasm core/jit core/platform.h core/kernel interfaces machines/bare machines/hosted lib/* lib/p2p | any
tests            | core/base core/wasm core/jit core/platform.h core/kernel interfaces machines/hosted machines/bare machines/sim lib/* lib/p2p programs/rt programs/* programs/p2p programs/p2p-loader programs/tools tools | any
