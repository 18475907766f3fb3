;; SPDX-License-Identifier: GPL-3.0-or-later
;; Never ends, and makes no call.
(module
  (memory (export "memory") 1 1)
  (func (export "_start")
    (loop $again (br $again))))
