use serde as _;
use wasmalert as _;
