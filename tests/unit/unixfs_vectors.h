// SPDX-License-Identifier: GPL-3.0-or-later
// Names of files of deterministic contents, as tests/interop/unixfs_vectors.mjs prints them with
// another implementation. The contents repeat the pattern that test_unixfs.c makes.
#pragma once
#include "core/base/types.h"

static const struct unixfs_vector {
    u64 size;
    const char *cid;
} unixfs_vectors[] = {
    {0, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"},
    {1, "bafkreig2xu5p65u7a7vsszkad2yctf2oxorua6x5akzg3w2wj2s7r35ooi"},
    {100, "bafkreicaydt462gdnrm6x3hd23g3fgipyuzwqluhejm6dv2lrs5egkwzsy"},
    {1048575, "bafkreicq3ix44lcgdwrs3dtlvtqncdq325h2rm7zkivhvyofy6yv64qjhu"},
    {1048576, "bafkreicsu22wwdjzy4jtgupesjzgn2xiuuaehncmzf2utsilz5jljt6cka"},
    {1048577, "bafybeic3bejetx5ym6c7n46lpn2pnk7dc7is43fjdhyavsknv5plmixnbi"},
    {2097152, "bafybeig7ze7fmhxt3mjzdvdfuzytlfj5s7cuoeua2tpocczbd5ea5uh7hi"},
    {3158073, "bafybeihp3ywanlhel2bni3jcphn6shjwfncex7bz74j625jr3mvcedkw4a"},
    {67108864, "bafybeiho2lj573tk72jcznhwgudn5fczz3r2ftvgh7sgnd2dw6c3ov5q4m"},
    {1072693249, "bafybeigaky6io64ms7yre37g5yngdtctl32qzbvsmmyxtemfcdetzdibma"},
    {1073741824, "bafybeifwc2lezzrc7xuvgmqga7gnnwfpj6eetffljq526imdlfxw4sldlu"},
    {1073741825, "bafybeihdacq4f25j3dn7clvur4uuaeumdcjmzqm2eyusrndczxpmpgng3u"},
    {1074790417, "bafybeieucmofno7oxsob4atfcqejkaabfrd5befauwvpi5m4hqta7tiqka"},
};
