# Uses what a storage answers where Perl refuses what it distrusts. Run with -T.

use v5.36;

use PVE::Storage;
use PVE::Storage::Custom::TenonDirPlugin;

$ENV{PATH} = '/usr/bin:/bin';
delete @ENV{qw(IFS CDPATH ENV BASH_ENV)};
my $plugin = 'PVE::Storage::Custom::TenonDirPlugin';

# Arguments of a program are tainted, and stay so on their own.
my ($storeid, $path) = @ARGV;
my $scfg = { type => 'tenondir', path => $path, content => { images => 1 } };
eval { open(my $fh, '>', "$path/tainted") or die "open: $!\n"; 1 }
    and die "this program does not check taint\n";
say 'refused: ' . ($@ =~ m/^(Insecure dependency in open)/)[0];

# The storage's path was given tainted; the volume's path is the daemon's word.
my ($file) = $plugin->path($scfg, '100/vm-100-disk-0.raw', $storeid);
open(my $fh, '+<', $file) or die "$file: $!\n";
say 'opened ' . -s $fh;

my ($image) = grep { $_->{format} eq 'qcow2' } $plugin->list_images($storeid, $scfg, 100, undef, {})->@*;
my ($volname) = $image->{volid} =~ m/:(.*)/;
open(my $info, '-|', 'qemu-img', 'info', '-f', $image->{format}, scalar($plugin->path($scfg, $volname, $storeid)))
    or die "qemu-img: $!\n";
my ($format) = map { m/^file format: (\S+)/ ? $1 : () } <$info>;
close($info) or die "qemu-img: $?\n";
say "executed $format";

my $made = $plugin->alloc_image($storeid, $scfg, 103, 'raw', undef, 1024);
unlink($plugin->filesystem_path($scfg, $made)) == 1 or die "unlink: $!\n";
say "removed $made";
