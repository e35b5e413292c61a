package PVE::Storage::Custom::CountingPlugin;

# Writes down every call that reaches it, a line each, so that one that comes twice is seen; waits when it is told to.

use strict;
use warnings;

use Time::HiRes ();

use base qw(PVE::Storage::Plugin);

sub api { return 15 }

sub type { return 'counting' }

sub plugindata { return { content => [{ images => 1 }, { images => 1 }] } }

sub options { return { path => { fixed => 1 } } }

my $append = sub {
    my ($file, $line) = @_;
    open(my $fh, '>>', $file) or die "$file: $!\n";
    syswrite($fh, "$line\n") // die "$file: $!\n";
    close($fh);
};

sub volume_size_info {
    my ($class, $scfg, $storeid, $volname, $timeout) = @_;
    $append->("$scfg->{path}/calls", $volname);
    if ($volname =~ m/\Await-(\w+)\z/) {
        $append->("$scfg->{path}/ready-$1", $$);
        Time::HiRes::sleep(0.01) while !-e "$scfg->{path}/go-$1" && -d $scfg->{path};
    }
    return wantarray ? ($$, 'raw', 0, undef, 1767225600) : $$;
}

sub free_image {
    my ($class, $storeid, $scfg, $volname, $is_base) = @_;
    return sub { $append->("$scfg->{path}/calls", "freed-$volname") };
}

sub alloc_image {
    my ($class, $storeid, $scfg, $vmid, $fmt, $name, $size) = @_;
    $append->("$scfg->{path}/made", "old $name");
    return $name;
}

sub status { return (4096, 3072, 1024, 1) }

1;
