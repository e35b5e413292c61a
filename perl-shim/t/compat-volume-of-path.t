# Which volume a file is, on the compat layer and on PVE's own libraries.

use v5.36;

use File::Path ();
use File::Temp qw(tempdir);
use FindBin;
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../compat";
BEGIN { unshift @INC, $ENV{TENON_PVE_LIB} if $ENV{TENON_PVE_LIB}; }

use PVE::Storage;

my $real = $ENV{TENON_PVE_LIB};

# A storage of directories whose plugin answers for itself, as that of a sidecar does through the daemon.
{

    package Answering; ## no critic (RequireFilenameMatchesPackage)
    our @ISA = ('PVE::Storage::Plugin');

    my %SUBDIRS = (
        images => 'images',
        iso => 'template/iso',
        vztmpl => 'template/cache',
        backup => 'dump',
        snippets => 'snippets',
        import => 'import',
    );
    sub type { return 'answering' }
    sub get_subdir { return "$_[1]->{path}/$SUBDIRS{$_[2]}" }
    sub parse_volname { return $_[1] =~ m{\A(iso|vztmpl)/(.+)} ? ($1, $2) : ('images', $_[1]) }

    sub path {
        my @found = ("$_[1]->{path}/images/$_[2]", 100, 'images');
        return wantarray ? @found : $found[0];
    }

    sub list_images {
        my ($class, $storeid, $scfg, $vmid) = @_;

        return [map { { volid => "$storeid:$vmid/" . s{.*/}{}r } }
                glob("$scfg->{path}/images/$vmid/*")];
    }
}

subtest 'path_to_volume_id' => sub {
    my $root = tempdir(CLEANUP => 1);
    Answering->register;
    my @classes = $real ? qw(answering dir) : qw(answering);
    my @rows = (
        ['images/100/vm-100-disk-0.raw', 'images 100/vm-100-disk-0.raw'],
        ['images/100/base-100-disk-0.raw', 'images 100/base-100-disk-0.raw'],
        ['images/guest/vm-100-disk-0.raw', ''],
        ['dump/vzdump-qemu-100-2024_01_02-03_04_05.vma.zst', 'backup *'],
        ['dump/vzdump-lxc-100-2024_01_02-03_04_05.tgz', 'backup *'],
        ['dump/vzdump-qemu-100-2024_01_02-03_04_05.vma.xz', ''],
        ['template/iso/a name.ISO', 'iso *'],
        ['template/iso/disk.img', 'iso *'],
        ['template/iso/disk.dvd', ''],
        ['template/iso/deep/disk.iso', ''],
        ['template/cache/debian.tar.gz', 'vztmpl *'],
        ['template/cache/debian.tar', 'vztmpl *'],
        ['template/cache/debian.tar.zip', ''],
        ['template/cache/debian.zip', ''],
        ['snippets/hook.pl', 'snippets *'],
        ['import/guest.ova', 'import *'],
        ['import/guest.ovf', 'import *'],
        ['import/disk.vmdk', 'import *'],
        ['import/a name.ova', ''],
        ['import/guest.zip', ''],
        ['elsewhere/disk.iso', ''],
    );
    for my $row (@rows) {
        my ($file, $expected) = $row->@*;
        my $directory = "$root/$file" =~ s{/[^/]+\z}{}r;
        File::Path::make_path($directory);
        open(my $fh, '>', "$root/$file") or die "$file: $!\n";
        close($fh);
        my $name = $file =~ s{.*/}{}r;
        my ($vtype, $volume) = split(m/ /, $expected =~ s{\A(\w+) \*}{$1 $1/$name}r, 2);
        for my $type (@classes) {
            my $cfg = {
                ids => {
                    nas => { type => $type, path => $root, content => { images => 1 } },
                    far => { type => $type, server => 'x' },
                } };
            is_deeply(
                [PVE::Storage::path_to_volume_id($cfg, "$root/$file")],
                $vtype ? [$vtype, "nas:$volume"] : [''],
                "$type: $file"
            );
        }
    }
    symlink("$root/template/iso/disk.img", "$root/link") or die "$!\n";
    for my $type (@classes) {
        my $cfg = {
            ids => {
                nas => { type => $type, path => $root },
                far => { type => $type, server => 'x' } } };
        my $of = sub ($path) { return [PVE::Storage::path_to_volume_id($cfg, $path)] };
        is_deeply($of->("$root/link"), ['iso', 'nas:iso/disk.img'], "$type: where a link leads");
        is_deeply(
            $of->("$root/template/iso/gone.iso"),
            ['iso', 'nas:iso/gone.iso'],
            "$type: what is gone"
        );
        is_deeply($of->('nas:iso/disk.img'), ['iso', 'nas:iso/disk.img'], "$type: a volume id");
        is_deeply($of->("$_:iso/disk.img"), [''], "$type: one of $_") for qw(far none);
    }
};

done_testing();
