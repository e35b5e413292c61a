# A host of some API level, also of one that nobody knows yet: loads plugin files as PVE does, allocates images under the
# names that are given, and tells what it got as a line of JSON. Arguments: the level, a directory for storages, files, a
# '--', names of raw images.

use v5.36;

use File::Basename qw(basename);
use JSON::PP;

my ($level, $dir);

BEGIN {
    ($level, $dir) = splice(@ARGV, 0, 2);
    $ENV{TENON_API_LEVEL} = $level if $level <= 16;
}

use PVE::Storage;

use Tenon::Names;

if (PVE::Storage::APIVER() != $level) {
    no warnings qw(prototype redefine once);
    *PVE::Storage::APIVER = sub : prototype() { return $level };
    Tenon::Names::install();
    *PVE::Storage::Plugin::volume_teleport = sub { return 'the base class knows' }
        if $level > 16;
}

my (@files, @names);
push @files, shift(@ARGV) while $ARGV[0] ne '--';
shift @ARGV;
@names = @ARGV;

my %told;
for my $file (@files) {
    my $class = 'PVE::Storage::Custom::' . basename($file, '.pm');
    require $file;
    $class->register;
    my $type = $class->type;
    my @warnings;
    local $SIG{__WARN__} = sub { push @warnings, @_ };
    mkdir("$dir/$type");
    my $scfg = { type => $type, path => "$dir/$type", content => { images => 1 } };
    my @made = map {
        eval { $class->alloc_image($type, $scfg, 100, 'raw', $_, 64) }
            // "died: $@"
    } @names;
    $told{$type} = {
        api => $class->api,
        made => \@made,
        warnings => \@warnings,
        teleport => $class->can('volume_teleport') ? $class->volume_teleport : undef,
        active => ($class->status($type, $scfg, {}))[3] ? 1 : 0,
    };
}
say JSON::PP->new->canonical->encode(\%told);
STDOUT->flush;
