#!/bin/sh
# Packs what a training run needs into a folder that can be carried to a machine without network:
# the real words, photos and word list below DATA, and the fonts below FONTS, cut down to ASCII.
#
#     sh benchmarks/gpu/pack.sh DATA FONTS OUT
#
# Needs fonttools. DATA has words/, backgrounds/ and generic_vocabulary.txt, as the recipe names them.
set -eu
data=$1 fonts=$2 out=$3
mkdir -p "$out/fonts" "$out/words"
cp -R "$data/backgrounds" "$data/generic_vocabulary.txt" "$out/"
for set in IC15_train IIIT5k_train SVT_train FUNSD_train SROIE_train; do
    cp -R "$data/words/$set" "$out/words/"
done
find "$fonts" -name '*.[ot]tf' | while read -r font; do
    pyftsubset "$font" --unicodes=U+0020-007E --no-hinting --notdef-outline --layout-features= \
        --drop-tables+=GSUB,GPOS,GDEF,DSIG,STAT,meta,SVG,COLR,CPAL \
        --output-file="$out/fonts/$(basename "$font")" 2>/dev/null || echo "left out: $font" >&2
done
du -sh "$out"
