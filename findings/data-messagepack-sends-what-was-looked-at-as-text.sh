#!/usr/bin/env bash
# Data::MessagePack 1.02 (Perl): whether a number goes over the wire as a number depends on what the program did with it
# before. An integer that was once looked at as text (eq, length, a match) is packed as bytes, although the same Perl 5.36
# and its JSON::PP keep it a number; a fraction stays a number. The option prefer_integer, made for this, mends it up to 32
# bits only: an integer of a 64-bit Perl that was looked at stays bytes from 4294967296 on, so sizes below 4 GiB arrive as
# numbers and larger ones as text. And it takes text for numbers: "007" arrives as 7.
# What helps: values converted by a schema just before they are packed (0 + $value, "$value"), without prefer_integer.
#
# Seen with libdata-messagepack-perl 1.02-1+b1, Perl 5.36.0-7+deb12u4 (Debian 12):
#   untouched 5: integer
#   5 after eq: bytes; JSON::PP: [5]
#   5 after length: bytes; JSON::PP: [5]
#   5 after a match: bytes; JSON::PP: [5]
#   1.5 after a match: float
#   prefer_integer: 4294967295 after eq: integer
#   prefer_integer: 4294967296 after eq: bytes
#   prefer_integer: 4294967296 untouched: integer
#   prefer_integer: "007": 7
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# The pinned packages of Debian 12 with the libraries that they need, unpacked here and not installed.
pinned() {
    local names=()
    mapfile -t names < <(apt-cache depends --recurse --no-{recommends,suggests,conflicts,breaks,replaces,enhances} "${@%%=*}" | grep "^[a-z]" | grep -vxE "libc6|libc6:.*|$(printf "%s|" "${@%%=*}")-" | sort -u)
    apt-get download -qq "$@" "${names[@]}" >apt.log 2>&1 || { cat apt.log; echo "these packages cannot be had here"; exit 2; }
    for package in *.deb; do dpkg -x "$package" root; done
    PATH=$work/root/usr/bin:$work/root/bin:$work/root/sbin:$work/root/usr/sbin:$PATH
    export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu:$work/root/lib/x86_64-linux-gnu
}
pinned libdata-messagepack-perl=1.02-1+b1
cat >try.pl <<'P'
use strict;
use warnings;
use Data::MessagePack;
use JSON::PP;

my $plain  = Data::MessagePack->new;
my $prefer = Data::MessagePack->new->prefer_integer(1);

sub kind {
    my ($packer, $value) = @_;
    my $first = ord $packer->pack($_[1]);
    return 'integer' if $first < 0x80 || $first >= 0xe0 || ($first >= 0xcc && $first <= 0xd3);
    return 'float'   if $first == 0xca || $first == 0xcb;
    return 'bytes'   if ($first >= 0xa0 && $first <= 0xbf) || ($first >= 0xc4 && $first <= 0xc6) || ($first >= 0xd9 && $first <= 0xdb);
    return sprintf 'type %02x', $first;
}

my $untouched = 5;
print 'untouched 5: ', kind($plain, $untouched), "\n";
my %looks = (eq => sub { $_[0] eq 'x' }, length => sub { length $_[0] }, 'a match' => sub { $_[0] =~ /x/ });
for my $look ('eq', 'length', 'a match') {
    my $number = 5;
    my $unused = $looks{$look}->($number);
    print "5 after $look: ", kind($plain, $number), '; JSON::PP: ', JSON::PP->new->encode([$number]), "\n";
}
my $fraction = 1.5;
my $unused   = $fraction =~ /x/;
print '1.5 after a match: ', kind($plain, $fraction), "\n";
for my $size (4294967295, 4294967296) {
    my $looked = $size + 0;
    $unused = $looked eq 'x';
    print "prefer_integer: $size after eq: ", kind($prefer, $looked), "\n";
}
my $large = 4294967296;
print 'prefer_integer: 4294967296 untouched: ', kind($prefer, $large), "\n";
print 'prefer_integer: "007": ', $prefer->unpack($prefer->pack('007')), "\n";
P
directory=$(dirname "$(dirname "$(find root -path '*Data/MessagePack.pm')")")
perl -I"$directory" try.pl | tee seen
diff seen - <<'S' || { echo "the behaviour has changed"; exit 1; }
untouched 5: integer
5 after eq: bytes; JSON::PP: [5]
5 after length: bytes; JSON::PP: [5]
5 after a match: bytes; JSON::PP: [5]
1.5 after a match: float
prefer_integer: 4294967295 after eq: integer
prefer_integer: 4294967296 after eq: bytes
prefer_integer: 4294967296 untouched: integer
prefer_integer: "007": 7
S
echo "as told: a look at a number changes what is sent, and prefer_integer ends at 32 bits"
