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

// The same contents as `ipfs add` has named them by default before: leaves of 256 KiB, 174 links,
// as version 0 with leaves in nodes, or with raw leaves.
static const struct layout_vector {
    u64 size;
    bool is_version_0;
    const char *cid;
} layout_vectors[] = {
    {0, true, "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"},
    {1, true, "QmckNAcWX3uq4Mx8rSCsHvYyBuEwjPWkSBJ9NkJq1GEhma"},
    {262143, true, "QmXNiiQyYD4ECTmVJd1yvLwNgpXuj2ccY9DyoDXAoHB5uY"},
    {262144, true, "QmYH5u9QHv3vJAuYtVEVjdoKTqwxDse32uG6QZHjrUBTxH"},
    {262145, true, "QmXk293KuVQQYgGpKe91CzW2hykJGFjmhjV4ZUDrXiRTFc"},
    {1048575, true, "QmR1mUCyToAMLCwXKnDt18zDCZtD62vACcbYd5sswpxLHD"},
    {1048576, true, "QmZ8jjFcT8ZFQPTQYeLv5L64BAubKbXLPZ6ZoJATzxqUu1"},
    {1048577, true, "QmZSXLWAFSuNX1BT3V6wzJ3H8FBRcLpmWLfzfkg7wCJKjS"},
    {3158073, true, "QmfGbZHCZb4wmEJ4bbJoK3CXLDCRsDw1XThwfsfhRU2bGz"},
    {45613056, true, "QmYgQjD2eNGk5JkzXMLHetV2d72D7ff14SweTcGTCR9YHF"},
    {45613057, true, "QmT8dcqx3Q518bukA9uTro3uzo4Hi4pzQvK3RfF1Uydt7v"},
    {67108864, true, "QmVuf572sTkV9WhiJsV4E1t62H8BAPwE47FtqXaqnmHVkN"},
    {0, false, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"},
    {1, false, "bafkreig2xu5p65u7a7vsszkad2yctf2oxorua6x5akzg3w2wj2s7r35ooi"},
    {262143, false, "bafkreiaybxqo456watp65nsl3xn27if6ljn5gdjpjxxshiv7cx6pnfiwvi"},
    {262144, false, "bafkreidd6k2rtu2k6woh25xxx2nxk2d2ifjrn54h6wjqfbqijyvdl2nrmq"},
    {262145, false, "bafybeidmf7miq54symki3qff7ohjgfhn23ysap4nt7fcolcjetgkyvqoaa"},
    {1048575, false, "bafybeiag2mdnsv2oier6bowwxml5pffowbcm3cvhupvwxzzy37qksrnpyy"},
    {1048576, false, "bafybeibgiljr5dduwqyu4zrcfg7ubivodwcxg62ju5fq6rh6nistydq424"},
    {1048577, false, "bafybeieqqvcp246q44aosfpg7b43zkoginiwmf5vb5mnpsizo4t2nm3c2y"},
    {3158073, false, "bafybeiejt7cnczgpmtxcnagw4cmhf74no5nnb6p24qg5n2sptmymomvawi"},
    {45613056, false, "bafybeiaiqukb4ke4wwed57r5jbji3pwoi6ncft2hvm3qvrny6oryiw2wrq"},
    {45613057, false, "bafybeibqjarfqnujqdhfdyxulp3mttpdnfjhm5i4phx45pao3mljixjiom"},
    {67108864, false, "bafybeicudzxckzrrvtqvwcsml3wjfsdutukckamspliui7xj5lqwzzbfoe"},
};
