# SPDX-License-Identifier: GPL-2.0-only
#
# Lets a line of the Chinese manual break between any two characters, as groff does it between words
# only; not before what closes and not after what opens. In bytes: LC_ALL=C.
/^\./b
/^tcptrace \\- /b
s/[\xe3-\xe9\xef][\x80-\xbf][\x80-\xbf]/&\\:/g
s/\\:\(、\|。\|，\|；\|：\|）\|”\|！\|？\|》\)/\1/g
s/\(（\|“\|《\)\\:/\1/g
s/\\:$//
