package PVE::Storage::Custom::LockingPlugin;

# Has a lock of its own, and notes what happens under it.

use strict;
use warnings;

use base qw(PVE::Storage::Plugin);

sub api { return 13 }

sub type { return 'locking' }

sub plugindata {
    return { content => [{ images => 1 }, { images => 1 }], format => [{ raw => 1 }, 'raw'] };
}

sub options { return { path => { fixed => 1 } } }

my $notes;

my $note = sub {
    my ($text) = @_;
    open(my $fh, '>>', $notes) or die "$notes: $!\n";
    print $fh "$text\n";
    close($fh);
};

sub cluster_lock_storage {
    my ($class, $storeid, $shared, $timeout, $func, @param) = @_;
    $note->("lock $storeid");
    my $result = eval { $func->(@param) };
    my $err = $@;
    $note->("unlock $storeid");
    die $err if $err;
    return $result;
}

sub activate_storage {
    my ($class, $storeid, $scfg, $cache) = @_;
    $notes = "$scfg->{path}/notes";
    return;
}

sub alloc_image {
    my ($class, $storeid, $scfg, $vmid, $fmt, $name, $size) = @_;
    $note->("alloc $size");
    die "no room for a volume of guest 13\n" if $vmid == 913;
    return $name // "$vmid/vm-$vmid-disk-0.raw";
}

sub free_image {
    my ($class, $storeid, $scfg, $volname, $isBase, $format) = @_;
    $note->("free $volname");
    return sub { $note->("wipe $volname") };
}

1;
